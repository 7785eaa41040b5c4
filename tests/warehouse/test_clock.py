"""agora.warehouse.clock: of three clocks, the one that differs is named, and nothing is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from agora.errors import ClockDiffers
from agora.warehouse.clock import clock_difference
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import Warehouse

YEAR, MINUTE = timedelta(days=365), timedelta(minutes=1)


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


def compare_clocks(engine: Engine, worker: timedelta, vendor: list[timedelta]) -> timedelta:
    """Compare the clocks. The worker's is ahead by `worker`, and the vendor's is ahead of the worker's."""
    with engine.connect() as connection:
        return clock_difference(connection, datetime.now(UTC) + worker, vendor)


@pytest.mark.parametrize("worker", [timedelta(), 4 * MINUTE, -4 * MINUTE])
def test_the_lead_of_the_warehouses_clock_is_returned(engine: Engine, worker: timedelta) -> None:
    assert abs(compare_clocks(engine, worker, []) + worker) < timedelta(seconds=30)
    assert abs(compare_clocks(engine, worker, [timedelta(), YEAR, timedelta()]) + worker) < timedelta(
        seconds=30
    ), "one response with a wrong Date is not the vendor's clock"


@pytest.mark.parametrize(
    ("worker", "vendor", "wrong"),
    [
        (YEAR, [-YEAR], "The clock of this worker is wrong: worker 20"),
        (-6 * MINUTE, [6 * MINUTE] * 3, "The clock of this worker is wrong"),
        (YEAR, [timedelta()], "The warehouse's clock is wrong"),
        (timedelta(), [YEAR], "The vendor's clock or a proxy's clock is wrong"),
        (YEAR, [], "The clock of this worker or of the warehouse is wrong"),
        (YEAR, [YEAR], "The clocks of this worker, the warehouse and the vendor all differ"),
    ],
)
def test_the_clock_that_differs_is_named(
    engine: Engine, worker: timedelta, vendor: list[timedelta], wrong: str
) -> None:
    with pytest.raises(ClockDiffers) as differs:
        compare_clocks(engine, worker, vendor)
    message = str(differs.value)
    assert wrong in message
    assert "Nothing was recorded." in message
    assert message.count("vendor 20") == bool(vendor)
