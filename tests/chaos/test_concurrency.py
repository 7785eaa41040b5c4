"""The short run of what `python -m tests.chaos.concurrency` does for longer."""

from __future__ import annotations

from tests.chaos import concurrency
from tests.warehouse.database import Warehouse

ROUNDS = 20


def test_eight_processes_on_the_same_days_leave_what_one_after_the_other_could_have_left(
    warehouse: Warehouse,
) -> None:
    report = concurrency.run(warehouse, seed=7, rounds=ROUNDS)

    assert report.findings == []
    assert report.app_days == ROUNDS * 12
    assert report.answers > 5_000
    assert report.versions > 2 * report.app_days, "too little happened to prove anything"
