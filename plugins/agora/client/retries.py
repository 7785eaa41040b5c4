"""Retry requests after a 5xx, a network error or a 429, and give up on accounts that stay throttled."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import replace

from agora.client.http import HttpClient
from agora.client.network_errors import NoResponse
from agora.client.request import Request
from agora.client.response import Response
from agora.rate_limit.adaptive import is_too_late
from agora.rate_limit.local import NOTHING_ELSE, NoPermit, RateLimiter

MAX_RETRY_AFTER_SECONDS = 300.0  # a 5xx with a longer Retry-After is not retried
RETRY_WITHIN_SECONDS = (1.0, 3.0, 6.0)  # waits that the vendor advises, used as upper bounds for full jitter
RETRIES_WHEN_LIMITED = 8
SLOWING_429S = 2  # further 429s of one app while others are served do not lower the account's rate


class RetryingClient:
    """HTTP client that waits for rate-limit permits and retries failed requests.

    Args:
        http: Client that sends each request once.
        limiter: Rate limiter shared by all clients of the account.

    Attributes:
        http: Client that sends each request once.
        limited: Number of requests that were throttled (HTTP 429).
    """

    def __init__(self, http: HttpClient, limiter: RateLimiter) -> None:
        self.http = http
        self._limiter = limiter
        self._given_up: NoPermit | None = None
        self._waiting: set[asyncio.Timeout] = set()  # timeouts of requests that wait for a permit
        self._refused_since: float | None = None
        self._others = 0  # responses other than 429
        self._consecutive_429s: Counter[str] = Counter()  # by request path
        self.limited = 0

    @property
    def requests(self) -> int:
        """Number of requests sent, retries included."""
        return self.http.requests

    async def send(self, request: Request, *, retry: bool = True) -> Response:
        """Send a request with retries, and return the response.

        A 5xx and a network error are retried after a random wait (full jitter) or the response's Retry-After
        of up to five minutes. A request that is not safe to repeat is retried only if it did not reach the
        vendor.

        Args:
            request: The request.
            retry: Whether to retry. Throttled requests (429) are always retried.

        Raises:
            NoResponse: The last try got no response.
            NoPermit: The client has given up on the account; see `_send_until_not_throttled`.
        """
        failed_tries = 0
        for wait_seconds in (*RETRY_WITHIN_SECONDS, None):
            is_last = wait_seconds is None or not retry
            try:
                answer, retry_after_seconds = await self._send_until_not_throttled(request)
            except NoResponse as error:
                if is_last or (error.sent and not request.is_safe_to_repeat):
                    raise
                failed_tries += error.sent
                retry_after_seconds = None
            else:
                if failed_tries:
                    answer = replace(answer, failed_tries=failed_tries)
                too_long = (retry_after_seconds or 0.0) > MAX_RETRY_AFTER_SECONDS
                if answer.status < 500 or is_last or too_long or not request.is_safe_to_repeat:
                    return answer
                failed_tries += 1
            jitter_seconds = random.uniform(0, wait_seconds or 0.0)  # noqa: S311 - not a secret
            await asyncio.sleep(retry_after_seconds if retry_after_seconds is not None else jitter_seconds)
        raise AssertionError("the last try returns or raises")

    async def _send_until_not_throttled(self, request: Request) -> tuple[Response, float | None]:
        """Send a request until its response is not 429, or until only this request is throttled.

        If one app gets nine consecutive 429s while other apps are served, only this app is throttled, so the
        429 is returned. From the third one on, these 429s do not lower the account's rate. If the account
        gets only 429s for five minutes, or a Retry-After of more than five minutes, the client gives up on
        the account and sends no more requests.

        Returns:
            The response, and its Retry-After in seconds.

        Raises:
            NoResponse: The request got no response.
            NoPermit: The client has given up on the account.
        """
        resource = request.path.partition("?")[0]
        refusal: Response | None = None
        others = self._others
        while True:
            sent_at = await self._permit(refusal)
            answer, retry_after_seconds = await self.http.send(request)
            if answer.status != 429:
                self._others += 1
                self._refused_since = None
                self._consecutive_429s.pop(resource, None)
                await self._limiter.record_response(sent_at)
                return answer, retry_after_seconds
            self._consecutive_429s[resource] += 1
            refusal = answer
            others_are_served = self._others > others
            if (
                others_are_served
                and self._consecutive_429s[resource] > SLOWING_429S
                and retry_after_seconds is None
            ):
                self.limited += 1
            else:
                await self._record_throttled(sent_at, retry_after_seconds)
            if others_are_served and self._consecutive_429s[resource] > RETRIES_WHEN_LIMITED:
                return answer, None

    async def _permit(self, refusal: Response | None) -> float:
        """Wait for a permit and return the time at which the request may be sent.

        Args:
            refusal: The last 429 response to the request, if any.

        Raises:
            NoPermit: The client has given up on the account.
        """
        given_up = self._given_up
        if given_up is None:
            try:
                async with asyncio.timeout(None) as wait:
                    self._waiting.add(wait)
                    try:
                        return await self._limiter.acquire()
                    finally:
                        self._waiting.discard(wait)
            except NoPermit as error:
                given_up = self._give_up(error)
            except TimeoutError:
                given_up = self._given_up
                if given_up is None:
                    raise
        raise NoPermit(str(given_up), retry_at=given_up.retry_at, answer=refusal)

    async def _record_throttled(self, sent_at: float, retry_after_seconds: float | None) -> None:
        self.limited += 1
        now = asyncio.get_running_loop().time()
        if self._refused_since is None:
            self._refused_since = now
        try:
            await self._limiter.record_throttled(sent_at, retry_after_seconds)
        except NoPermit as error:
            self._give_up(error)
        else:
            # The limiter does not give up while other processes that use the account are served.
            if self._refused_since is not None and is_too_late(self._refused_since, now):
                self._give_up(NoPermit(NOTHING_ELSE))

    def _give_up(self, reason: NoPermit) -> NoPermit:
        """Stop sending, end every wait for a permit, and return the first reason."""
        if self._given_up is None:
            self._given_up = reason
            now = asyncio.get_running_loop().time()
            for wait in self._waiting:
                wait.reschedule(now)
        return self._given_up
