"""The results of measuring a workload: medians, and the comparison of contestants."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.child import Sample
from tests.bench.contestants import OURS, Contestant, Kind
from tests.bench.workload import Workload


@dataclass(frozen=True)
class Result:
    """A workload, and every contestant's samples of it."""

    load: Workload
    samples: dict[Contestant, list[Sample]]

    def wall_seconds(self, contestant: Contestant) -> float:
        """Return the median wall time."""
        return self._median(contestant, lambda sample: sample.wall_seconds)

    def cpu_seconds(self, contestant: Contestant, who: str) -> float:
        """Return the median CPU seconds of the contestant itself or of a server."""
        return self._median(contestant, lambda sample: sample.cpu_seconds[who])

    def peak_bytes(self, contestant: Contestant, who: str) -> float:
        """Return the median peak memory."""
        return self._median(contestant, lambda sample: sample.peak_bytes[who])

    def ratio(self, contestant: Contestant) -> str:
        """Return the ratio of the two wall times as text."""
        ours, its = self.wall_seconds(OURS), self.wall_seconds(contestant)
        return {
            Kind.OURS: "",
            Kind.LIMIT: f"ours ÷ limit = {ours / its:.2f}",
            Kind.COMPETITOR: f"÷ ours = {its / ours:.1f}",
        }[contestant.kind]

    def _median(self, contestant: Contestant, value: Callable[[Sample], float]) -> float:
        return statistics.median(map(value, self.samples[contestant]))
