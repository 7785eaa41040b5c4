"""Collects app-days: fetch concurrently, keep raw, decode, normalise, load, and say what came of it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, suppress
from datetime import date
from typing import TypeVar

from sqlalchemy import Connection, Engine

from agora.bandwidth.fetch import Fetched, fetched
from agora.bandwidth.normalise import Outcome, normalise
from agora.bandwidth.raw import raw_answer
from agora.bandwidth.reading import read
from agora.bandwidth.stages import timed
from agora.bandwidth.summary import Summary
from agora.bandwidth.window import certain_since
from agora.errors import DayRefused
from agora.vendor.dashboard import DashboardClient
from agora.warehouse import app_days, raw_answers
from agora.warehouse.raw_answers import RawAnswer

Given = TypeVar("Given")
Result = TypeVar("Result")

LANDINGS_AT_ONCE = 2  # one is decoded while the warehouse writes the other


async def collect(asked: Sequence[tuple[str, date]], client: DashboardClient, engine: Engine) -> Summary:
    """Collect some app-days of one account and commit every few seconds.

    What was committed stays whatever happens afterwards. One app's failure does not keep another's points
    from being loaded: failures are entered into the ledger and counted in the summary.

    Args:
        asked: Pairs of App ID and usage date, none twice, soonest to expire first; the apps are known
            in core.app.
        client: Of the account that owns the apps, entered.
        engine: To the warehouse, as the loader.

    Returns:
        What came of it.

    Raises:
        CredentialsRefused: A 401; everything received before it is committed.
    """
    summary = Summary()
    landings: deque[asyncio.Task[Summary]] = deque()
    try:
        async with aclosing(fetched(asked, client)) as chunks:
            while chunk := await _next(chunks, summary.seconds):
                if len(landings) == LANDINGS_AT_ONCE:
                    summary.add(await asyncio.shield(landings[0]))
                    landings.popleft()
                landings.append(asyncio.create_task(_land(chunk, client, engine)))
    finally:
        # Whatever ended it: what has arrived is brought in.
        landed = await asyncio.gather(*landings, return_exceptions=True)
    for result in landed:
        if isinstance(result, BaseException):
            raise result
        summary.add(result)
    summary.requests, summary.limited = client.transport.requests, client.transport.limited
    return summary


async def _next(chunks: AsyncGenerator[list[Fetched]], seconds: dict[str, float]) -> list[Fetched]:
    """Wait for the next chunk; empty after the last."""
    with timed(seconds, "fetch"):
        return await anext(chunks, [])


async def _land(chunk: Sequence[Fetched], client: DashboardClient, engine: Engine) -> Summary:
    """Bring a chunk into the warehouse: first raw, committed, then what it says, committed.

    Only what waits for the warehouse is in a thread: two threads of Python would hold each other up.
    """
    seconds: dict[str, float] = {}
    with timed(seconds, "keep"):
        kept = [raw_answer(f.app_id, f.usage_date, f.answer) if f.answer else None for f in chunk]
        await _in_transaction(engine, raw_answers.keep, [raw for raw in kept if raw])
    with timed(seconds, "decode"):
        outcomes = [_outcome(f, raw) for f, raw in zip(chunk, kept, strict=True)]
        batch = normalise(outcomes, client.settings.timezone)
    with timed(seconds, "load"):
        changed = await _in_transaction(engine, app_days.load, batch)
    certain = certain_since(client.settings.window, client.settings.today(chunk[-1].at))
    summary = Summary.of(
        batch,
        changed=changed,
        at_the_edge={f.key for f in chunk if isinstance(f.error, DayRefused) and f.usage_date < certain},
        refusals={f.key: f.error for f in chunk if f.error},
    )
    summary.seconds = seconds
    return summary


async def _in_transaction(
    engine: Engine, work: Callable[[Connection, Given], Result], given: Given
) -> Result:
    """Let a thread do it and wait for its end, whoever is interrupted: what has arrived is brought in."""

    def transaction() -> Result:
        with engine.begin() as connection:
            return work(connection, given)

    result = asyncio.get_running_loop().run_in_executor(None, transaction)
    while not result.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(result)
    return result.result()


def _outcome(item: Fetched, raw: RawAnswer | None) -> Outcome:
    """Read one answer, or say why there is nothing to read."""
    if item.error is not None or item.answer is None or raw is None:
        return Outcome(
            item.app_id,
            item.usage_date,
            attempts=int(item.asked),
            http_status=item.error.answer.status if item.error and item.error.answer else None,
            reason=item.error.reason if item.error else "no answer",
        )
    return read(raw)
