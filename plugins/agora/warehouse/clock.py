"""Compares the worker's clock and the vendor's with the warehouse's, whose time is recorded."""

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
    """Return how far the warehouse's clock is ahead of this worker's, five minutes at most.

    Args:
        connection: To the warehouse; the first statement of its transaction.
        worker_now: This worker's clock.
        vendor_ahead: How far the vendor's `Date` was ahead of this worker's clock, per response.

    Raises:
        ClockDiffers: Two of the three clocks are more than five minutes apart. The message names the wrong
            one.
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
        f"{_wrong(ahead, vendor)}: {', '.join(clocks)} (UTC). Nothing was recorded. Set the clock right, for"
        " example with NTP, and run the task again."
    )


def _wrong(ahead: timedelta, vendor: timedelta | None) -> str:
    """Return a sentence that names the clock that differs from the other two."""
    if abs(ahead) <= MOST_APART:
        return "The vendor's clock or a proxy's clock is wrong"
    if vendor is None:
        return "The clock of this worker or of the warehouse is wrong"
    if abs(vendor) <= MOST_APART:
        return "The warehouse's clock is wrong"
    if abs(vendor - ahead) <= MOST_APART:
        return "The clock of this worker is wrong"
    return "The clocks of this worker, the warehouse and the vendor all differ"
