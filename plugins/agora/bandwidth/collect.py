"""Collect app-days: fetch concurrently, store responses, decode, normalise, load, and add up the results."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing, suppress
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import TypeVar

from sqlalchemy import Connection, Engine

from agora.bandwidth.batch_result import BatchResult, timed
from agora.bandwidth.fetch import Fetch, Fetched
from agora.bandwidth.normalise import Outcome, normalise
from agora.bandwidth.response_rows import raw_response, read
from agora.bandwidth.window import Edge, edge_end, oldest_day
from agora.client.dashboard import CONFIRMING_APPS, DashboardClient
from agora.domain import AppDay
from agora.errors import AppRefused, CredentialsRefused, DayRefused, RateLimited, see
from agora.warehouse import merge_app_days, planning_queries, raw_responses
from agora.warehouse.clock import clock_difference
from agora.warehouse.raw_responses import RawResponse

Given = TypeVar("Given")
Result = TypeVar("Result")

CONCURRENT_LOADS = 2  # one chunk is decoded while the warehouse writes the other
LATE_APP = (
    "If the app was created later, set its collect_from in the variable agora_apps to the first day that the"
    " vendor shows"
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def collect(
    requested: Sequence[AppDay],
    client: DashboardClient,
    engine: Engine,
    *,
    witnesses: Sequence[AppDay] = (),
    refused_before: Collection[AppDay] = (),
    now: Callable[[], datetime] = _utc_now,
) -> BatchResult:
    """Collect some app-days of one account and commit every few seconds.

    Later errors do not undo committed data. One app's failure does not affect other apps: each failure is
    recorded in the ledger and counted in the result.

    Args:
        requested: Distinct pairs of App ID and usage date, soonest to expire first. The apps must exist
            in core.app.
        client: Open client for the apps' account.
        engine: Warehouse engine, connected as the loader.
        witnesses: App-days of apps that were served before. They distinguish refused credentials from a
            refused app.
        refused_before: App-days whose last request the vendor refused with 400.
        now: Clock of this worker.

    Returns:
        The result. If the account was stopped, `stopped` contains the reason.

    Raises:
        ClockDiffers: The clocks of this worker, the warehouse and the vendor differ by minutes.
    """
    settings = client.settings
    today = settings.today(now())
    edge = Edge(requested, oldest_day(settings.window, today), today, refused_before)
    own = set(requested)
    fetch = Fetch(edge, client, witnesses=[day for day in witnesses if day not in own])
    result = BatchResult()
    loads: deque[asyncio.Task[BatchResult]] = deque()
    try:
        async with aclosing(fetch.chunks()) as chunks:
            while chunk := await _next_chunk(chunks, result.seconds):
                if len(loads) == CONCURRENT_LOADS:
                    result.add(await asyncio.shield(loads[0]))
                    loads.popleft()
                loads.append(asyncio.create_task(_load_chunk(chunk, client, engine, now)))
    finally:
        # Every response that has arrived is loaded, even after an error.
        loaded = await asyncio.gather(*loads, return_exceptions=True)
    for part in loaded:
        if isinstance(part, BaseException):
            raise part
        result.add(part)
    result.app_days = len(requested)
    result.not_worthwhile = 0 if fetch.stopped else edge.not_requested()
    if fetch.stopped:
        _report_stop(result, fetch.stopped, settings.conn_id)
    result.requests, result.limited = client.transport.requests, client.transport.limited
    return result


def _report_stop(result: BatchResult, stop: CredentialsRefused | RateLimited, conn_id: str) -> None:
    """Record why collection stopped for the account."""
    reason = f"Connection {conn_id}: {stop.reason.rstrip('.')}. {stop.advice} {see([type(stop)])}"
    result.stop(reason, type(stop), repeated=RateLimited if isinstance(stop, RateLimited) else AppRefused)


async def check_access(
    planned: Sequence[AppDay],
    client: DashboardClient,
    engine: Engine,
    *,
    now: Callable[[], datetime] = _utc_now,
) -> BatchResult:
    """Collect one planned app-day, to detect refused credentials before batches are created.

    Args:
        planned: At least one pair of App ID and usage date.
        client: Open client for the apps' account.
        engine: Warehouse engine, connected as the loader.
        now: Clock of this worker.

    Returns:
        The result. If the credentials are refused, `stopped` contains the reason.
    """
    with engine.connect() as connection:
        served = planning_queries.served(connection, client.settings.conn_id, most=CONFIRMING_APPS)
    first = planned[0]
    others = {app_id: (app_id, usage_date) for app_id, usage_date in reversed(planned)}
    unserved = sorted(day for day in others.values() if day[0] not in {first[0], *dict(served)})
    witnesses = [day for day in served if day[0] != first[0]] + _spread(unserved, CONFIRMING_APPS - 1)
    confirming = witnesses[: CONFIRMING_APPS - 1]
    return await collect([first], client, engine, witnesses=confirming, now=now)


def _spread(app_days: Sequence[AppDay], count: int) -> list[AppDay]:
    """Return random app-days from different parts of the list, because refused apps may be adjacent."""
    bounds = [number * len(app_days) // count for number in range(count + 1)]
    return [random.choice(app_days[start:end]) for start, end in pairwise(bounds) if start < end]  # noqa: S311 - no secret


async def _next_chunk(chunks: AsyncGenerator[list[Fetched]], seconds: dict[str, float]) -> list[Fetched]:
    """Return the next chunk, or an empty list after the last chunk."""
    with timed(seconds, "fetch"):
        return await anext(chunks, [])


async def _load_chunk(
    chunk: Sequence[Fetched], client: DashboardClient, engine: Engine, now: Callable[[], datetime]
) -> BatchResult:
    """Store a chunk in two transactions: first the responses as received, then their points.

    Only the transactions run in threads, because two busy Python threads slow each other down.
    """
    settings = client.settings
    seconds: dict[str, float] = {}
    answered = [item for item in chunk if item.answer]
    with timed(seconds, "keep"):
        stored = await _in_transaction(engine, _store, (answered, now))
    with timed(seconds, "decode"):
        requested = [item for item in chunk if item.requested]
        batch = normalise([_outcome(item, stored.get(item.key)) for item in requested], settings.timezone)
    with timed(seconds, "load"):
        changed = await _in_transaction(
            engine, lambda connection, rows: merge_app_days.load(connection, rows, settings.conn_id), batch
        )
    young = edge_end(settings.window, settings.today(now()))
    refused = {item.app_id for item in chunk if isinstance(item.error, DayRefused)}
    oldest_served = await _in_transaction(engine, planning_queries.oldest_served, refused) if refused else {}
    result = BatchResult.of(
        batch,
        changed=changed,
        failures={
            item.key: _failure(item, oldest_served)
            for item in chunk
            if item.error and not (isinstance(item.error, DayRefused) and item.usage_date < young)
        },
        at_the_edge={
            item.key for item in chunk if isinstance(item.error, DayRefused) and item.usage_date < young
        },
    )
    result.seconds = seconds
    return result


def _store(
    connection: Connection, given: tuple[Sequence[Fetched], Callable[[], datetime]]
) -> dict[AppDay, RawResponse]:
    """Store the responses as received, with times by the warehouse's clock, and return the stored rows."""
    answered, now = given
    vendor_ahead = [
        item.answer.server_date - item.answer.fetched_at
        for item in answered
        if item.answer and item.answer.server_date
    ]
    ahead = clock_difference(connection, now(), vendor_ahead)
    rows = {
        item.key: raw_response(item.app_id, item.usage_date, item.answer, item.answer.fetched_at + ahead)
        for item in answered
        if item.answer
    }
    raw_responses.store(connection, rows.values())
    return rows


async def _in_transaction(
    engine: Engine, work: Callable[[Connection, Given], Result], given: Given
) -> Result:
    """Run a transaction in a thread. Even if cancelled, wait until it ends, so that no response is lost."""

    def transaction() -> Result:
        with engine.begin() as connection:
            return work(connection, given)

    result = asyncio.get_running_loop().run_in_executor(None, transaction)
    while not result.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(result)
    return result.result()


def _outcome(item: Fetched, response: RawResponse | None) -> Outcome:
    """Return the decoded response of an item, or the reason why there is no response to decode."""
    if item.error is not None or item.answer is None or response is None:
        return Outcome(
            item.app_id,
            item.usage_date,
            http_status=item.error.answer.status if item.error and item.error.answer else None,
            reason=item.error.reason if item.error else "no response",
        )
    return read(response, secrets=item.answer.secrets)


def _failure(item: Fetched, oldest_served: dict[str, date]) -> tuple[str, str, str]:
    """Return the class name, reason and remedy for an item's error."""
    if item.error is None:
        raise ValueError(f"{item.key} has not failed")
    advice = item.error.advice
    is_first = oldest_served.get(item.app_id, date.max) >= item.usage_date
    if isinstance(item.error, DayRefused) and is_first:
        advice = f"{advice} {LATE_APP}."
    return type(item.error).__name__, item.error.reason, advice
