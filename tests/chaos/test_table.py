"""A finding in the product fails the run, and so does a control without a finding."""

from __future__ import annotations

from datetime import date

import pytest

from tests.chaos.kills import Outcome
from tests.chaos.table import Line, text


def outcome(*, found: bool = False, gaps: int = 0) -> Outcome:
    result = Outcome(kills=1_000, gaps=gaps)
    if found:
        result.findings.add("mixed", ("an app", date(2026, 11, 1)), "points of two responses")
    return result


@pytest.mark.parametrize(
    ("line", "is_good", "verdict"),
    [
        (Line("collector", outcome()), True, "sound"),
        (Line("collector", outcome(found=True)), False, "UNSOUND"),
        (Line("collector", outcome(gaps=1)), False, "UNSOUND"),
        (Line("control", outcome(found=True), is_control=True), True, "detected, as required"),
        (Line("control", outcome(), is_control=True), False, "NOT DETECTED"),
    ],
)
def test_verdict(line: Line, is_good: bool, verdict: str) -> None:
    assert line.is_as_expected == is_good
    assert text([line]).splitlines()[-1].endswith(f"| {verdict} |")


def test_a_row_counts_by_kind() -> None:
    row = text([Line("collector", outcome(found=True, gaps=2))]).splitlines()[-1]
    assert row == "| collector | 1,000 | 0 | 0 | 0 | 0 | 1 | 0 | 2 | UNSOUND |"
