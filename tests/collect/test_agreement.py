"""No single app's refusals decide about the days of the others."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agora.bandwidth.window import expected_oldest_day
from agora.errors import CredentialsRefused
from agora.warehouse import window_edge
from agora.warehouse.engine import warehouse_engine
from sandbox.testing import running_sandbox
from tests.collect.night import assert_true, night_of, product, window_days
from tests.warehouse.database import Warehouse


def refused(app: int, days: list[date]) -> list[dict[str, object]]:
    return [{"kind": "status", "app": app, "usage_date": str(day), "status": 400} for day in days]


@pytest.mark.parametrize("young", range(4))
def test_days_refused_for_a_young_app_are_collected_for_the_others(warehouse: Warehouse, young: int) -> None:
    with running_sandbox(apps=4, quiet=True) as sandbox:
        # The vendor has known this app for 28 days; everything older is refused for it alone.
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        too_old = [day for day in days if (sandbox.today() - day).days > 28]
        sandbox.put_faults(refused(young, [days[0] - timedelta(days=1), *too_old]))

        night.run()

        others = product([app for app in sandbox.app_ids if app != sandbox.app_ids[young]], days)
        its_own = product([sandbox.app_ids[young]], [day for day in days if day not in too_old])
        assert_true(night, sandbox, others | its_own)
        assert "lost" not in night.states().values()


def test_unknown_apps_before_the_others_do_not_keep_the_edge_from_being_learned(warehouse: Warehouse) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        oldest = expected_oldest_day("1 month", sandbox.today())
        apps = [f"0{number:031d}" for number in range(12)] + sandbox.app_ids
        first = str(oldest - timedelta(days=10))
        night = night_of(sandbox, warehouse, [{"app_id": app, "collect_from": first} for app in apps])

        night.run()

        assert sandbox.stats()["by_status"]["400"] <= 6
        for app_id in sandbox.app_ids:
            assert night.states()[app_id, oldest - timedelta(days=1)] == "lost"
            assert night.states()[app_id, oldest] == "collected"


def test_planning_locks_no_row_while_it_waits_for_the_vendor(warehouse: Warehouse) -> None:
    engine = warehouse_engine(warehouse.url("loader"))
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night_of(sandbox, warehouse).plan()
        with engine.begin() as learning, engine.begin() as other:
            window_edge.wait_for_turn(learning, "agora_dashboard")
            other.exec_driver_sql("set local lock_timeout = '100ms'")
            other.exec_driver_sql("update core.vendor_account set window_length = window_length")
            assert window_edge.read(other, "agora_dashboard", sandbox.today()) is None
    engine.dispose()


def test_correcting_the_time_zone_and_reloading_moves_the_days(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        night.run()
        corrected = night_of(sandbox, warehouse, timezone="Asia/Shanghai")
        corrected.plan()

        corrected.collect([(sandbox.app_ids[0], day) for day in days[:-1]])

        starts = {row["starts_at"].hour for key, row in corrected.ledger().items() if key[1] in days[:-1]}
        assert starts == {16}


def test_after_a_401_nothing_more_is_sent(warehouse: Warehouse) -> None:
    with running_sandbox(apps=5, quiet=True, latency_ms=5) as sandbox:
        night = night_of(sandbox, warehouse, requests_per_second=200, max_concurrency=16)
        planned = night.plan()
        sandbox.put_credentials("somebody", "else")
        sandbox.reset_stats()

        with pytest.raises(CredentialsRefused):
            night.collect(planned.app_days)

        # Only those that were under way when the first was refused: 5 ms apart at 5 ms of latency.
        assert sandbox.stats()["requests"] <= 8
