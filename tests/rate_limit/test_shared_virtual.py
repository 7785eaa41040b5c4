"""Several limiters that share one store, on a virtual clock."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from agora.rate_limit.shared import Change, SharedLimiter
from tests.rate_limit.simulation import VirtualStore
from tests.rate_limit.virtual_time import clock, run


def test_permits_granted_before_a_429_are_discarded() -> None:
    async def main() -> list[float]:
        limiter = SharedLimiter(1000, VirtualStore().change, clock=clock)
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(20)]
        await waiting[0]
        await limiter.record_throttled(await waiting[1], 30.0)
        return sorted([await task for task in waiting])

    moments = run(main())
    assert max(later - sooner for sooner, later in pairwise(moments)) >= 29.9
    assert sum(moment > moments[0] + 29 for moment in moments) >= 15


@pytest.mark.parametrize(
    "row",
    [
        None,
        3,
        [],
        {"queue": [["gone", 1.0]]},
        {"pace": {"per_second": 1}, "queue": {"gone": 1e12, "odd": "x"}},
    ],
)
def test_an_invalid_row_or_a_dead_process_does_not_delay_others(row: Any) -> None:
    async def main() -> float:
        store = VirtualStore()
        store.row = row
        one, other = (SharedLimiter(10, store.change, clock=clock) for _ in range(2))
        await asyncio.gather(*(limiter.acquire() for limiter in (one, other) for _ in range(10)))
        return clock()

    assert run(main()) < 3


def test_a_clock_set_back_does_not_delay_requests() -> None:
    async def main() -> float:
        store = VirtualStore()
        limiter = SharedLimiter(10, store.change, clock=clock)
        await limiter.acquire()
        store.ahead_seconds -= 5000
        for _ in range(5):
            await limiter.record_response(await limiter.acquire())
        return clock()

    assert run(main()) < 3


def test_a_store_error_is_raised_and_nothing_is_sent() -> None:
    async def unreachable(change: Change) -> None:
        raise ConnectionError

    async def main() -> None:
        await SharedLimiter(10, unreachable, clock=clock).acquire()

    with pytest.raises(ConnectionError):
        run(main())
