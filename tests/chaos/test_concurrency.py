"""A short run of `python -m tests.chaos.concurrency`."""

from __future__ import annotations

from tests.chaos import concurrency
from tests.warehouse.database import Warehouse

ROUNDS = 20


def test_the_result_of_eight_concurrent_processes_could_be_that_of_sequential_ones(
    warehouse: Warehouse,
) -> None:
    report = concurrency.run(warehouse, seed=7, rounds=ROUNDS)

    assert report.findings == []
    assert report.app_days == ROUNDS * 12
    assert report.responses > 5_000
    assert report.versions > 2 * report.app_days, "too little happened to prove anything"
