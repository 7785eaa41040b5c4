"""What came of all parts, as a table that docs/reliability.md can take over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tests.chaos.checker import KINDS
from tests.chaos.kills import Outcome

HEAD = ("killed", "kills", "acknowledged", *KINDS, "gaps left", "verdict")


@dataclass(frozen=True)
class Line:
    """One part of the run; a control must be caught."""

    name: str
    outcome: Outcome
    is_control: bool = False

    @property
    def is_as_it_should_be(self) -> bool:
        """Tell whether the product is sound, or the control was caught."""
        return self.outcome.is_sound != self.is_control

    @property
    def verdict(self) -> str:
        """Say it in a word or two."""
        if self.is_control:
            return "detected, as required" if self.is_as_it_should_be else "NOT DETECTED"
        return "sound" if self.is_as_it_should_be else "UNSOUND"


def text(lines: Iterable[Line]) -> str:
    """Return the table in Markdown."""
    rows = [HEAD, tuple("---" for _ in HEAD), *map(_row, lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def where_they_hit(lines: Iterable[Line]) -> str:
    """Say what was under way when it was killed."""
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
