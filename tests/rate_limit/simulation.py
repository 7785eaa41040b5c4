"""Simulate a client under a hidden limit: `python -m tests.rate_limit.simulation` prints the worst results.

`simulate` drives only the state machine with events, which is fast enough for hours of requests. `share` runs
several limiters with one store on a virtual clock, like the processes that share an account.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from agora.rate_limit.adaptive import AdaptiveLimit
from agora.rate_limit.shared import Change, SharedLimiter
from tests.rate_limit.hidden_limits import FixedWindow, HiddenLimit, Moving, SlidingWindow, TokenBucket
from tests.rate_limit.virtual_time import clock, run

LIMITS = (1, 2, 5, 10, 25, 50)
CONFIGURED_FACTORS = (1.2, 2.0, 5.0, 10.0)
KINDS = ("sliding window", "fixed window", "bucket of 1 s", "bucket of 5 s")


@dataclass
class Outcome:
    """Times of the requests that the vendor admitted and throttled."""

    seconds: float
    admitted: list[float] = field(default_factory=list)
    throttled: list[float] = field(default_factory=list)
    inside_retry_after: int = 0  # sent before a received Retry-After had passed

    @property
    def throttled_share(self) -> float:
        return len(self.throttled) / (len(self.admitted) + len(self.throttled))

    def used(self, allowed: float) -> float:
        return len(self.admitted) / allowed


def limit_of(kind: str, per_second: float, seed: int) -> HiddenLimit:
    if kind == "sliding window":
        return SlidingWindow(per_second)
    if kind == "fixed window":
        return FixedWindow(per_second, phase=random.Random(seed).random())
    return TokenBucket(per_second, per_second * (1 if kind == "bucket of 1 s" else 5))


def simulate(
    configured_per_second: float,
    hidden: HiddenLimit,
    seconds: float,
    *,
    latency_seconds: float = 0.005,
    jitter: float = 0.2,
    workers: int = 32,
    retry_after_seconds: float | None = None,
    seed: int = 1,
) -> Outcome:
    """Simulate requests for the given time, with at most `workers` in flight."""
    rng, outcome = random.Random(seed), Outcome(seconds)
    limit = AdaptiveLimit.fresh(configured_per_second, 0.0)
    events: list[tuple[float, int, Callable[[float], None]]] = []
    count = in_flight = 0
    retry_at = 0.0
    is_requesting = True

    def at(moment: float, event: Callable[[float], None]) -> None:
        nonlocal count
        count += 1
        heapq.heappush(events, (moment, count, event))

    def request(now: float) -> None:
        nonlocal in_flight, is_requesting
        is_requesting = in_flight < workers
        if not is_requesting:
            return
        granted, wait_seconds = limit.grant(now)
        if granted:
            in_flight += 1
            outcome.inside_retry_after += now < retry_at
            half = latency_seconds * rng.uniform(1 - jitter, 1 + jitter) / 2
            at(now + half, lambda later: arrive(now, half, later))
        at(now + wait_seconds + (rng.random() / 1000 if wait_seconds else 0), request)

    def arrive(sent_at: float, half: float, now: float) -> None:
        is_admitted = hidden.admits(now)
        (outcome.admitted if is_admitted else outcome.throttled).append(now)
        at(now + half, lambda later: record(sent_at, is_admitted, later))

    def record(sent_at: float, is_admitted: bool, now: float) -> None:
        nonlocal in_flight, is_requesting, retry_at
        in_flight -= 1
        if is_admitted:
            limit.record_response(sent_at, now)
        else:
            retry_at = max(retry_at, now + (retry_after_seconds or 0.0))
            limit.record_throttled(sent_at, retry_after_seconds, now)
        if not is_requesting:
            is_requesting = True
            at(now, request)

    at(0.0, request)
    while events and events[0][0] <= seconds:
        now, _, event = heapq.heappop(events)
        event(now)
    return outcome


def steady(kind: str, per_second: float, **options: Any) -> Iterator[tuple[float, float]]:
    """Yield the used and the throttled share for each of several configured rates."""
    seconds = max(300, 2000 / per_second)
    for times in CONFIGURED_FACTORS:
        hidden = limit_of(kind, per_second, options.get("seed", 1))
        outcome = simulate(times * per_second, hidden, seconds, **options)
        yield outcome.used(per_second * seconds), outcome.throttled_share


class VirtualStore:
    """Stand-in for an account's row, with the two round trips that a change takes."""

    def __init__(self, round_trip_seconds: float = 0.002, ahead_seconds: float = 1e9) -> None:
        self.row: Any = None
        self.changes = 0
        self.ahead_seconds = ahead_seconds  # the database's clock minus the clock of the processes
        self._half = round_trip_seconds
        self._lock = asyncio.Lock()

    async def change(self, change: Change) -> None:
        async with self._lock:
            await asyncio.sleep(self._half)
            self.changes += 1
            self.row = json.loads(json.dumps(change(self.row, clock() + self.ahead_seconds)))
            await asyncio.sleep(self._half)


def share(
    configured_per_second: float,
    hidden: HiddenLimit,
    seconds: float,
    *,
    processes: int = 8,
    workers: int = 4,
    latency_seconds: float = 0.02,
    retry_after_seconds: float | None = None,
    seed: int = 1,
) -> tuple[Outcome, list[int], int]:
    """Simulate processes that share an account; return outcome, requests per process, and store exchanges."""
    rng, outcome, sent, retry_at = random.Random(seed), Outcome(seconds), [0] * processes, 0.0

    async def work(number: int, limiter: SharedLimiter) -> None:
        nonlocal retry_at
        while clock() < seconds:
            sent_at = await limiter.acquire()
            sent[number] += 1
            outcome.inside_retry_after += clock() < retry_at
            half = latency_seconds * rng.uniform(0.8, 1.2) / 2
            await asyncio.sleep(half)
            is_admitted = hidden.admits(clock())
            (outcome.admitted if is_admitted else outcome.throttled).append(clock())
            await asyncio.sleep(half)
            if is_admitted:
                await limiter.record_response(sent_at)
            else:
                recorded = limiter.record_throttled(sent_at, retry_after_seconds)
                if retry_after_seconds:
                    retry_at = max(retry_at, clock() + retry_after_seconds)
                await recorded

    async def main() -> int:
        store = VirtualStore()
        limiters = [SharedLimiter(configured_per_second, store.change, clock=clock) for _ in range(processes)]
        await asyncio.gather(
            *(work(number, limiter) for number, limiter in enumerate(limiters) for _ in range(workers))
        )
        return store.changes

    return outcome, sent, run(main())


def moving(seed: int) -> tuple[Moving, float, float]:
    """Return a limit of 10, then 2, then 10 per second, with its duration and the number of allowed calls."""
    fall = random.Random(seed).uniform(55, 75)
    return Moving([(0, 10), (fall, 2), (fall + 60, 10)]), fall + 120, 10 * fall + 2 * 60 + 10 * 60


def main() -> None:
    """Print the worst results of several seeds."""
    seeds = range(1, 6)
    for latency_seconds in (0.005, 0.05):
        print(f"\n{latency_seconds * 1000:g} ms: least used / most throttled, in per cent")
        for kind in KINDS:
            cells = []
            for per_second in LIMITS:
                results = [
                    result
                    for seed in seeds
                    for result in steady(kind, per_second, latency_seconds=latency_seconds, seed=seed)
                ]
                used, throttled = min(result[0] for result in results), max(result[1] for result in results)
                cells.append(f"{100 * used:.1f} / {100 * throttled:.2f}")
            print(f"| {kind} | " + " | ".join(cells) + " |", flush=True)
    for retry_after_seconds in (None, 1.0):
        for configured in (10, 20):
            shares = []
            for seed in seeds:
                hidden, seconds, allowed = moving(seed)
                outcome, *_ = share(
                    configured, hidden, seconds, retry_after_seconds=retry_after_seconds, seed=seed
                )
                shares.append((outcome.used(allowed), outcome.throttled_share, outcome.inside_retry_after))
            print(
                f"moving, {configured}/s configured, Retry-After {retry_after_seconds}:"
                f" used {min(s[0] for s in shares):.1%}, throttled {max(s[1] for s in shares):.2%},"
                f" inside {max(s[2] for s in shares)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
