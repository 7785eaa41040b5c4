"""The data that the sandbox has served for each app-day, with restatements and withheld points."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date

from sandbox.traffic.slots import SLOT_LABELS
from tests.support.sandbox_server import RunningSandbox

Points = list[int | float | None]


class Truth:
    """Every version of every app-day that a sandbox may have served since `begin`.

    One app-day permanently lacks points, so that absent points are also compared.

    Args:
        sandbox: A sandbox whose faults nothing else scripts.
        withheld: App ID, usage date and slots of the day that lacks points.
    """

    def __init__(self, sandbox: RunningSandbox, withheld: tuple[str, date, Sequence[str]] | None) -> None:
        self._sandbox = sandbox
        self._withheld = withheld
        self._factors = [1.0]
        self._versions: dict[tuple[str, date], list[Points]] = {}

    def begin(self) -> None:
        """Forget all versions except the current one."""
        self._factors = self._factors[-1:]
        self._versions.clear()
        self._script()

    def restate(self, moments: random.Random) -> None:
        """Let the vendor restate every day with points that it never served before."""
        self._factors.append(round(self._factors[-1] + moments.uniform(0.05, 0.5), 4))
        self._versions.clear()
        self._script()

    def versions(self, app_id: str, usage_date: date) -> list[Points]:
        """Return the versions of a day: 288 kbps values each, None where a point was withheld."""
        key = (app_id, usage_date)
        if key not in self._versions:
            absent = self._absent(app_id, usage_date)
            served = [
                None if label in absent else point
                for label, point in zip(SLOT_LABELS, self._sandbox.points(app_id, usage_date), strict=True)
            ]
            self._versions[key] = [
                [None if point is None else round(point * factor) for point in served]
                for factor in self._factors
            ]
        return self._versions[key]

    def _absent(self, app_id: str, usage_date: date) -> Sequence[str]:
        if self._withheld and self._withheld[:2] == (app_id, usage_date):
            return self._withheld[2]
        return ()

    def _script(self) -> None:
        faults: list[dict[str, object]] = [{"kind": "restate", "factor": self._factors[-1]}]
        if self._withheld:
            app_id, usage_date, slots = self._withheld
            faults.append(
                {"kind": "withhold", "app_id": app_id, "usage_date": str(usage_date), "slots": [*slots]}
            )
        self._sandbox.put_faults(faults)
