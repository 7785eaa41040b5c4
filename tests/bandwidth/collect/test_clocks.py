"""If clocks differ by minutes, nothing is recorded and the error names the wrong clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agora.errors import ClockDiffers
from tests.bandwidth.collect.night import Night, assert_collected, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

STORED = ("raw.bandwidth_response", "core.app_day", "core.restatement")


def assert_nothing_is_recorded(night: Night) -> None:
    for table in STORED:
        assert night.warehouse.rows(f"select 1 from {table}") == [], table


@pytest.mark.parametrize("seconds", [301, -301, 366 * 86_400])
def test_a_wrong_vendor_clock_is_reported(warehouse: Warehouse, seconds: int) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.put_faults([{"kind": "clock", "seconds": seconds + (5 if seconds > 0 else -5)}])
        with pytest.raises(ClockDiffers, match=r"^The vendor's clock or a proxy's clock is wrong"):
            night.plan()
        with pytest.raises(ClockDiffers, match="Nothing was recorded"):
            night.collect(sorted(product(sandbox.app_ids, days)))
        assert_nothing_is_recorded(night)

        sandbox.put_faults([])
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


@pytest.mark.parametrize("seconds", [240, -240, None])
def test_a_few_minutes_or_a_missing_date_header_are_tolerated(
    warehouse: Warehouse, seconds: int | None
) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.put_faults([{"kind": "clock", "seconds": seconds}])
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


@pytest.mark.parametrize("ahead", [timedelta(days=366), timedelta(minutes=-6)])
def test_a_wrong_worker_clock_is_reported(warehouse: Warehouse, ahead: timedelta) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        # From the worker's perspective, the warehouse clock and the vendor clock differ by the same amount.
        night.shift_clocks(-ahead)
        night.clock_offset = timedelta()
        sandbox.put_clock(night.now() - ahead)
        sandbox.put_faults([{"kind": "clock", "seconds": -ahead.total_seconds()}])
        with pytest.raises(ClockDiffers, match=r"^The clock of this worker is wrong: worker .*, warehouse "):
            night.plan()
        assert_nothing_is_recorded(night)


def test_a_wrong_warehouse_clock_is_reported(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        night.shift_clocks(timedelta(days=45))
        night.clock_offset = timedelta()
        sandbox.put_clock(night.now() + timedelta(days=45))
        with pytest.raises(ClockDiffers, match=r"^The warehouse's clock is wrong: "):
            night.plan()
        assert_nothing_is_recorded(night)


def test_recorded_times_come_from_the_warehouse_clock(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        night.shift_clocks(timedelta(minutes=4))
        night.clock_offset = timedelta()
        night.run()
        (times,) = warehouse.rows(
            "select min(fetched_at - now()) as fetched, min(collected_at - now()) as collected"
            " from raw.bandwidth_response cross join core.app_day"
        )
        for ahead in times.values():
            assert timedelta(minutes=2) < ahead < timedelta(minutes=4)
