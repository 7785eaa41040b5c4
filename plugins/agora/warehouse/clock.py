"""Compares the clocks of the worker and the vendor with the warehouse's clock, which sets recorded times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import Connection, text

from agora.errors import ClockDiffers

MOST_APART = timedelta(minutes=5)


def clock_difference(
    connection: Connection, worker_now: datetime, vendor_ahead: Sequence[timedelta] = ()
) -> timedelta:
    """Return how far the warehouse's clock is ahead of this worker's clock, at most five minutes.

    Args:
        connection: Connection to the warehouse, at the start of a transaction.
        worker_now: Current time on this worker's clock.
        vendor_ahead: How far the `Date` header of each response was ahead of this worker's clock.

    Raises:
        ClockDiffers: Two of the three clocks are more than five minutes apart. The message names the wrong
            clock.
    """
    warehouse_now: datetime = connection.execute(text("select mart.clock()")).scalar_one()
    ahead = warehouse_now - worker_now
    vendor = timedelta(seconds=median(one.total_seconds() for one in vendor_ahead)) if vendor_ahead else None
    if abs(ahead) > MOST_APART or (vendor is not None and abs(vendor) > MOST_APART):
        raise ClockDiffers(_message(worker_now, ahead, vendor))
    return ahead


def _message(worker_now: datetime, ahead: timedelta, vendor: timedelta | None) -> str:
    clocks = [f"worker {worker_now:%F %T}", f"warehouse {worker_now + ahead:%F %T}"]
    if vendor is not None:
        clocks.append(f"vendor {worker_now + vendor:%F %T}")
    return (
        f"{_wrong(ahead, vendor)}: {', '.join(clocks)} (UTC). Nothing was recorded. Correct the clock, for"
        " example with NTP, and run the task again."
    )


def _wrong(ahead: timedelta, vendor: timedelta | None) -> str:
    """Return a clause that names the clock that differs from the other two."""
    if abs(ahead) <= MOST_APART:
        return "The vendor's clock or a proxy's clock is wrong"
    if vendor is None:
        return "The clock of this worker or of the warehouse is wrong"
    if abs(vendor) <= MOST_APART:
        return "The warehouse's clock is wrong"
    if abs(vendor - ahead) <= MOST_APART:
        return "The clock of this worker is wrong"
    return "The clocks of this worker, the warehouse and the vendor all differ"
