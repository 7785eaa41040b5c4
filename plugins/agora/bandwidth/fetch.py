"""Fetches app-days concurrently and hands them on in chunks, in the order in which answers arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime

from agora.errors import CredentialsRefused, UnknownApp, VendorError, VendorUnavailable
from agora.vendor.answer import Answer
from agora.vendor.dashboard import ASKED_AGAIN, DashboardClient

CHUNK_APP_DAYS = 500
CHUNK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """One app-day with the answer, or the error, that came of asking for it.

    Attributes:
        at: When it was over, with time zone.
        asked: False where earlier answers, or their absence, made the question pointless.
    """

    app_id: str
    usage_date: date
    at: datetime
    answer: Answer | None = None
    error: VendorError | None = None
    asked: bool = True

    @property
    def key(self) -> tuple[str, date]:
        """The app-day."""
        return self.app_id, self.usage_date


async def fetched(
    asked: Sequence[tuple[str, date]], client: DashboardClient
) -> AsyncGenerator[list[Fetched]]:
    """Ask for app-days, as many at once as the account allows; yield chunks while it goes on.

    A chunk is yielded when it is full or a few seconds old, so that an interruption costs little.

    Raises:
        CredentialsRefused: At the first 401, after yielding it and what had arrived before it.
    """
    round_ = _Round(asked, client)
    workers = [asyncio.create_task(round_.work()) for _ in range(client.settings.max_concurrency)]
    end = asyncio.create_task(round_.end(workers))
    try:
        more = True
        while more:
            chunk, more = await round_.chunk()
            if chunk:
                yield chunk
    finally:
        for task in (*workers, end):
            task.cancel()
        results = await asyncio.gather(*workers, return_exceptions=True)
    if round_.refused:
        raise round_.refused
    for result in results:
        if isinstance(result, BaseException):
            raise result


class _Round:
    """The state that the workers of one call share."""

    def __init__(self, asked: Sequence[tuple[str, date]], client: DashboardClient) -> None:
        self._todo: Iterator[tuple[str, date]] = iter(asked)
        self._client = client
        self._unknown: dict[str, UnknownApp] = {}
        self._unavailable: set[str] = set()
        self._unavailable_in_a_row = 0
        self._silent: set[str] = set()
        self._silent_in_a_row = 0
        self.refused: CredentialsRefused | None = None
        self._arrived: list[Fetched] = []
        self._room = asyncio.Event()
        self._room.set()
        self._full = asyncio.Event()  # or at the end
        self._over = False

    async def work(self) -> None:
        """Take one app-day after the other until there are no more, or a 401 ends it for all."""
        for app_id, usage_date in self._todo:
            await self._room.wait()
            if self.refused:
                return
            item = await self._ask(app_id, usage_date)
            if isinstance(item.error, CredentialsRefused):
                if not self.refused:
                    self.refused = item.error
                    self._arrived.append(item)
                return
            self._arrived.append(item)
            if len(self._arrived) >= CHUNK_APP_DAYS:
                self._room.clear()
                self._full.set()

    async def end(self, workers: Sequence[asyncio.Task[None]]) -> None:
        """Say that nothing more arrives, once nothing does."""
        await asyncio.gather(*workers, return_exceptions=True)
        self._over = True
        self._full.set()

    async def _ask(self, app_id: str, usage_date: date) -> Fetched:
        pointless = self._unknown.get(app_id) or self._silence(app_id, usage_date)
        if pointless:
            return Fetched(app_id, usage_date, datetime.now(UTC), error=pointless, asked=False)
        # An app whose last day failed although retried is asked once a day: each of its days gets its
        # chance, but one broken app does not hold up the others with its retries. Nor does an API that is
        # down hold up the next account.
        down = self._unavailable_in_a_row >= self._many
        retry = app_id not in self._unavailable and not down
        try:
            answer = await self._client.bandwidth(app_id, usage_date, retry=retry)
        except VendorError as error:
            self._note(error)
            return Fetched(app_id, usage_date, datetime.now(UTC), error.answer, error)
        self._unavailable.discard(app_id)
        self._unavailable_in_a_row = self._silent_in_a_row = 0
        return Fetched(app_id, usage_date, datetime.now(UTC), answer)

    @property
    def _many(self) -> int:
        return 2 * self._client.settings.max_concurrency

    def _silence(self, app_id: str, usage_date: date) -> VendorUnavailable | None:
        """Tell whether so many got no answer at all that the next would only wait for its time-out, too.

        An app that was not silent itself is asked all the same: its days come behind those of others.
        """
        if self._silent_in_a_row < self._many or app_id not in self._silent:
            return None
        return VendorUnavailable(
            f"not asked, because {self._silent_in_a_row} in a row got no answer from"
            f" {self._client.settings.base_url}",
            about=self._client.about(app_id, f"{usage_date}"),
            app_id=app_id,
            advice=ASKED_AGAIN,
        )

    def _note(self, error: VendorError) -> None:
        if isinstance(error, UnknownApp):
            self._unknown[error.app_id] = error
        if isinstance(error, VendorUnavailable):
            self._unavailable.add(error.app_id)
            self._unavailable_in_a_row += 1
            silent = error.answer is None or error.answer.fault
            self._silent_in_a_row = self._silent_in_a_row + 1 if silent else 0
            if silent:
                self._silent.add(error.app_id)

    async def chunk(self) -> tuple[list[Fetched], bool]:
        """Wait for the next chunk; the second value is False when it is the last.

        While nobody takes a full one, nothing more is asked: what is held in memory stays the same.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(CHUNK_SECONDS):
                await self._full.wait()
        items, self._arrived = self._arrived, []
        self._full.clear()
        self._room.set()
        return items, not self._over
