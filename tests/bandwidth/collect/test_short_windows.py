"""A refused day never hides an available one: short windows of one app or all apps, and random refusals."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from agora.bandwidth.window import PROBES_PER_DATE
from tests.bandwidth.collect.night import assert_collected, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

APPS = 20


def shorter(app_ids: list[str], oldest: date, today: date) -> list[dict[str, Any]]:
    """Return faults that hide days older than `oldest` for the given apps."""
    window = f"{(today - oldest).days} days"
    return [{"kind": "window", "app_id": app_id, "window": window} for app_id in app_ids]


@pytest.mark.parametrize("count", [2, 10])
def test_apps_with_a_shorter_window_do_not_hide_the_days_of_the_others(
    warehouse: Warehouse, count: int
) -> None:
    with running_sandbox(apps=APPS, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        short, others = sorted(sandbox.app_ids)[:count], sorted(sandbox.app_ids)[count:]
        sandbox.put_faults(shorter(short, days[2], sandbox.today()))

        _, summary = night.run()

        assert summary.failures == {}
        assert_collected(night, sandbox, product(others, days) | product(short, days[2:]))
        assert "lost" not in {row["state"] for row in night.coverage().values()}

        sandbox.put_faults([])
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


@pytest.mark.parametrize("young", range(4))
def test_days_refused_for_a_young_app_are_collected_for_the_others(warehouse: Warehouse, young: int) -> None:
    with running_sandbox(apps=4, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        app_id = sandbox.app_ids[young]
        sandbox.put_faults(shorter([app_id], days[-10], sandbox.today()))

        _, summary = night.run()

        others = product([other for other in sandbox.app_ids if other != app_id], days)
        assert_collected(night, sandbox, others | product([app_id], days[-10:]))
        assert list(summary.failures) == [app_id]


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_randomly_refused_days_are_collected_by_the_next_run(warehouse: Warehouse, rate: float) -> None:
    with running_sandbox(apps=APPS, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.put_faults([{"kind": "status", "status": 400, "rate": rate}])
        night.run()
        coverage = night.coverage()
        collected = sum(row["state"] == "collected" for row in coverage.values())
        assert 0 < collected < APPS * len(days)
        assert {row["state"] for row in coverage.values()} <= {"collected", "failed", "pending"}

        sandbox.put_faults([])
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


def test_a_shrinking_window_costs_a_few_requests_per_date_and_recovers(warehouse: Warehouse) -> None:
    with running_sandbox(apps=APPS, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.put_faults([{"kind": "window", "window": "7 days"}])
        hopeless = days[:-7]
        for _ in range(3):
            sandbox.reset_stats()
            night.run()
            # A few per date, the newest refused day of each app, and one in the access check.
            assert sandbox.stats()["by_status"]["400"] <= PROBES_PER_DATE * len(hopeless) + APPS + 1
            assert_collected(night, sandbox, product(sandbox.app_ids, days[-7:]))
        assert "lost" not in {row["state"] for row in night.coverage().values()}

        sandbox.put_faults([])
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


def test_failed_days_of_an_app_are_requested_after_its_removal(
    warehouse: Warehouse,
) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        stays, leaves, last = night.apps
        sandbox.put_faults([{"kind": "status", "status": 404, "app_id": leaves.app_id}])
        night.apps = [stays, leaves, last]
        night.run()
        night.apps = [stays, last]
        night.run()
        assert night.removed is not None
        assert [app_id for app_id, _ in night.removed.apps] == [leaves.app_id]
        assert "lost" not in {row["state"] for row in night.coverage().values()}

        sandbox.put_faults([])
        night.run()

        assert_collected(night, sandbox, product(sandbox.app_ids, days))


def test_a_day_is_requested_until_it_left_the_window_by_more_than_the_margin(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, window="30 days", settle_days=0), window_days(sandbox)
        (app_id,) = sandbox.app_ids
        sandbox.put_faults([{"kind": "status", "status": 400, "usage_date": str(days[-1])}])
        for passed, is_requested in ((29, True), (31, True), (32, False)):
            night.shift_clocks(timedelta(days=passed))
            sandbox.put_clock(night.now())
            requested = (app_id, days[-1]) in night.plan().app_days
            assert requested == is_requested, passed
            is_lost = night.coverage()[app_id, days[-1]]["state"] == "lost"
            assert is_lost == (not is_requested), passed
