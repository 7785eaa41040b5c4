"""The outcomes of all parts, as a table for docs/reliability.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.chaos.checker import KINDS
from tests.chaos.kills import Outcome

HEAD = ("killed", "kills", "acknowledged", *KINDS, "gaps left", "verdict")


@dataclass(frozen=True)
class Line:
    """The outcome of one part. A control must be detected."""

    name: str
    outcome: Outcome
    is_control: bool = False

    @property
    def is_as_expected(self) -> bool:
        """Whether the product is sound or, for a control, the fault was detected."""
        return self.outcome.is_sound != self.is_control

    @property
    def verdict(self) -> str:
        """The verdict in a word or two."""
        if self.is_control:
            return "detected, as required" if self.is_as_expected else "NOT DETECTED"
        return "sound" if self.is_as_expected else "UNSOUND"


def text(lines: Iterable[Line]) -> str:
    """Return the table in Markdown."""
    rows = [HEAD, tuple("---" for _ in HEAD), *map(_row, lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def kills_by_step(lines: Iterable[Line]) -> str:
    """Return the number of kills by step for each part."""
    return "\n".join(
        f"{line.name}: " + ", ".join(f"{step} {count:,}" for step, count in line.outcome.at.most_common())
        for line in lines
        if line.outcome.at
    )


def _row(line: Line) -> tuple[str, ...]:
    outcome = line.outcome
    counts = (outcome.findings.counts[kind] for kind in KINDS)
    numbers = (outcome.kills, outcome.acknowledged, *counts, outcome.gaps)
    return (line.name, *(f"{number:,}" for number in numbers), line.verdict)
