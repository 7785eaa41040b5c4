"""Request app-days concurrently and yield the responses in chunks, in order of arrival."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from agora.bandwidth.access_check import AccessCheck
from agora.bandwidth.window import Edge
from agora.client.dashboard import REQUESTED_AGAIN, DashboardClient
from agora.client.response import Response
from agora.domain import AppDay
from agora.errors import (
    AppRefused,
    CredentialsRefused,
    DayRefused,
    RateLimited,
    UnknownApp,
    VendorError,
    VendorUnavailable,
)

CHUNK_APP_DAYS = 500
CHUNK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """One app-day with its response, or with the error of its request.

    Attributes:
        requested: False if the outcome of earlier requests made this request pointless.
    """

    app_id: str
    usage_date: date
    answer: Response | None = None
    error: VendorError | None = None
    requested: bool = True

    @property
    def key(self) -> AppDay:
        """The App ID and usage date."""
        return self.app_id, self.usage_date


class Fetch:
    """Requests for one batch, sent concurrently within the account's limits.

    Args:
        edge: The app-days in the batch. It selects those that are worth a request.
        client: Open client for the apps' account.
        witnesses: App-days of apps that were served before. They are requested to confirm a 401 or 403.

    Attributes:
        stopped: Error that prevented the account's remaining app-days from being requested: the credentials
            are refused, or every response is 429. None if the account was not stopped.
    """

    def __init__(
        self,
        edge: Edge,
        client: DashboardClient,
        *,
        witnesses: Sequence[AppDay] = (),
    ) -> None:
        self._edge = edge
        self._client = client
        self._witnesses = deque(witnesses)
        self._last_served: AppDay | None = None
        self._confirming = asyncio.Lock()
        self._access = AccessCheck(2 * client.settings.max_concurrency)
        self._throttled: dict[str, RateLimited] = {}
        self._unavailable: set[str] = set()
        self._consecutive_unavailable = 0
        self._silent: set[str] = set()
        self._consecutive_silent = 0
        self.stopped: CredentialsRefused | RateLimited | None = None
        self._arrived: list[Fetched] = []
        self._room = asyncio.Event()
        self._room.set()
        self._full = asyncio.Event()  # also set when all requests have ended
        self._over = False

    async def chunks(self) -> AsyncGenerator[list[Fetched]]:
        """Request all app-days that are worth a request, and yield their responses in chunks.

        A chunk is yielded when it is full or a few seconds old, so that an interruption costs little.
        Requests pause while a full chunk waits to be consumed, so that memory stays bounded.
        """
        work = asyncio.create_task(self._request_all())
        try:
            more = True
            while more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(CHUNK_SECONDS):
                        await self._full.wait()
                items, self._arrived = _split_repeated(self._arrived)
                more = not self._over or bool(self._arrived)
                if not self._over:
                    self._full.clear()
                self._room.set()
                if items:
                    yield items
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        await work

    async def _request_all(self) -> None:
        try:
            app_days = self._edge.first_requests()
            self._access.expect(app_id for app_id, _ in (*self._edge.app_days, *self._witnesses))
            while app_days and not self.stopped:
                await self._request(app_days)
                app_days = self._edge.next_requests()
        finally:
            self._over = True
            self._full.set()

    async def _request(self, app_days: Sequence[AppDay]) -> None:
        todo = iter(app_days)
        workers = [
            asyncio.create_task(self._work(todo)) for _ in range(self._client.settings.max_concurrency)
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, todo: Iterator[AppDay]) -> None:
        """Request app-days one after another until none is left or the account is stopped."""
        for app_day in todo:
            await self._room.wait()
            if not (self._access.one_by_one and await self._request_alone(app_day)):
                await self._request_one(*app_day)

    async def _request_alone(self, app_day: AppDay) -> bool:
        """Request an app-day while no other request is in progress, and confirm a refusal with other apps.

        Returns:
            False if another request was accepted in the meantime, so that nothing was requested here.
        """
        async with self._access.one_at_a_time:
            if not self._access.one_by_one:
                return False
            await self._request_one(*app_day)
            while self._access.is_doubtful and self._witnesses and not self.stopped:
                await self._request_one(*self._witnesses.popleft())
        return True

    async def _request_one(self, app_id: str, usage_date: date) -> None:
        if self.stopped:
            return
        item = await self._fetch(app_id, usage_date)
        self._arrive(item)
        if isinstance(item.error, AppRefused):
            async with self._confirming:
                await self._confirm()

    async def _confirm(self) -> None:
        """Stop the account if several consecutive apps and all apps that were served before are refused."""
        while not self.stopped and (refusal := self._access.refusal_of_account()):
            witness = self._witness()
            if witness is None:
                self.stopped = refusal
            else:
                self._arrive(await self._fetch(*witness))

    def _witness(self) -> AppDay | None:
        """Return the next app-day whose response distinguishes refused credentials from refused apps."""
        while self._witnesses:
            witness = self._witnesses.popleft()
            if not self._access.refusal_of(witness[0]):
                return witness
        last_served, self._last_served = self._last_served, None
        return last_served

    def _arrive(self, item: Fetched) -> None:
        self._arrived.append(item)
        if len(self._arrived) >= CHUNK_APP_DAYS:
            self._room.clear()
            self._full.set()

    async def _fetch(self, app_id: str, usage_date: date) -> Fetched:
        pointless = (
            self._access.refusal_of(app_id)
            or self._throttled.get(app_id)
            or self._silence(app_id, usage_date)
        )
        if pointless:
            return Fetched(app_id, usage_date, error=pointless, requested=False)
        # No retries if the app's last request failed after retries, or if the API seems to be down. A broken
        # app then does not delay the other apps, and a broken API does not delay the next account.
        down = self._consecutive_unavailable >= self._many
        retry = app_id not in self._unavailable and not down
        try:
            answer = await self._client.bandwidth(app_id, usage_date, retry=retry)
        except VendorError as error:
            self._note(error, usage_date)
            was_sent = error.answer is not None or not isinstance(error, RateLimited)
            return Fetched(app_id, usage_date, error.answer, error, requested=was_sent)
        self._last_served = (app_id, usage_date)
        self._edge.note(app_id, usage_date, served=True)
        self._access.note_served(app_id)
        self._unavailable.discard(app_id)
        self._consecutive_unavailable = self._consecutive_silent = 0
        return Fetched(app_id, usage_date, answer)

    @property
    def _many(self) -> int:
        return 2 * self._client.settings.max_concurrency

    def _silence(self, app_id: str, usage_date: date) -> VendorUnavailable | None:
        """Return an error if so many requests got no response that the next request would time out too.

        An app is still requested if none of its own requests went unanswered, because the unanswered
        requests may all belong to other apps.
        """
        if self._consecutive_silent < self._many or app_id not in self._silent:
            return None
        return VendorUnavailable(
            f"not requested, because {self._consecutive_silent} consecutive requests got no response from"
            f" {self._client.settings.base_url}",
            about=self._client.about(app_id, f"{usage_date}"),
            app_id=app_id,
            advice=REQUESTED_AGAIN,
        )

    def _note(self, error: VendorError, usage_date: date) -> None:
        if isinstance(error, RateLimited) and error.is_of_account:
            # The client has already waited, and the account still gets nothing but 429.
            self.stopped = self.stopped or error
        elif isinstance(error, RateLimited):
            # The client retried while other apps were served. Further retries would slow the account down.
            self._throttled[error.app_id] = error
        elif isinstance(error, AppRefused | UnknownApp):
            self._access.note_refusal(error)
        elif isinstance(error, DayRefused):
            self._access.note_accepted()
            self._edge.note(error.app_id, usage_date, served=False)
        elif isinstance(error, VendorUnavailable):
            self._unavailable.add(error.app_id)
            self._consecutive_unavailable += 1
            silent = error.answer is None or error.answer.fault
            self._consecutive_silent = self._consecutive_silent + 1 if silent else 0
            if silent:
                self._silent.add(error.app_id)
            self._access.note_unavailable()
        else:
            self._access.note_accepted()


def _split_repeated(items: Sequence[Fetched]) -> tuple[list[Fetched], list[Fetched]]:
    """Separate each app-day's first response from repeated responses, which go into the next chunk."""
    first: dict[AppDay, Fetched] = {}
    again = [item for item in items if first.setdefault(item.key, item) is not item]
    return [*first.values()], again
