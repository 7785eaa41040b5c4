"""HTTP client for the vendor's servers: TLS, size caps, rate limit and retries."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import aiohttp
from yarl import URL

from agora.client.body import http_date, received
from agora.client.mask_secrets import LEAST_SECRET_CHARACTERS
from agora.client.network_errors import HungUp, NoResponse, broken_off, no_response
from agora.client.request import TIMEOUTS, Request, Timeouts
from agora.client.response import Response
from agora.forward_proxy import Proxy
from agora.rate_limit.adaptive import MOST_RETRY_AFTER_SECONDS, is_too_late
from agora.rate_limit.local import NOTHING_ELSE, NoPermit, RateLimiter

MAX_RETRY_AFTER_SECONDS = 300.0  # a 5xx with a longer Retry-After is not retried
RETRY_WITHIN_SECONDS = (1.0, 3.0, 6.0)  # the vendor's advice, as upper bounds of full jitter
RETRIES_WHEN_LIMITED = 8


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Prevent aiohttp's own retries, which would bypass the rate limit and the counts."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise  # aiohttp does not retry it
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise HungUp from error


class HttpClient:
    """One HTTP session with one server of the vendor, as an asynchronous context manager.

    Redirects are never followed, so secrets are sent only to the configured host.

    Args:
        base_url: Base URL of the requests' paths.
        limiter: Rate limiter that all clients of the account share.
        headers: Headers of every request.
        secrets: Texts that a response may contain and messages must not.
        max_concurrency: Highest number of concurrent requests.
        ca_file: PEM file with the trusted authorities. Default: those of this machine.
        proxy: Forward proxy for the requests.
        timeouts: Time limits of one request.
    """

    def __init__(
        self,
        base_url: str,
        *,
        limiter: RateLimiter,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        max_concurrency: int = 1,
        ca_file: Path | None = None,
        proxy: Proxy | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        self._base_url = str(URL(base_url)).rstrip("/")
        self._limiter = limiter
        self._headers = {
            "Accept": "application/json",
            # Compression does not pay for a body of 4 kB. A compressed response is accepted anyway.
            "Accept-Encoding": "identity",
            **(headers or {}),
        }
        self.proxy = proxy
        self._through = proxy.arguments(base_url) if proxy else {}
        # aiohttp also sends a session's headers to the proxy, so our headers belong to each request.
        self._headers.update(self._through.pop("headers", {}))
        secrets = (*secrets, *(proxy.secrets if proxy else ()))
        self._secrets = tuple(secret for secret in secrets if len(secret) >= LEAST_SECRET_CHARACTERS)
        self._max_concurrency = max_concurrency
        self._ca_file = ca_file
        self._timeouts = timeouts
        self._session: aiohttp.ClientSession | None = None
        self._given_up: NoPermit | None = None
        self._waiting: set[asyncio.Timeout] = set()  # of the requests that wait for a permit
        self._refused_since: float | None = None
        self._others = 0  # responses other than 429
        self._consecutive_429s: Counter[str] = Counter()  # by the path of the request
        self.requests = 0
        self.limited = 0

    async def __aenter__(self) -> HttpClient:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._max_concurrency, ssl=_trust(self._ca_file)),
            timeout=self._timeouts.for_aiohttp(),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),  # cookies are neither stored nor sent
            middlewares=[_once],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def send(self, request: Request, *, retry: bool = True) -> Response:
        """Send a request, with retries, and return the response.

        A 5xx and a network error are retried after a random wait (full jitter) or the response's Retry-After
        of up to five minutes. A request that is not safe to repeat is retried only if it did not reach the
        vendor.

        Args:
            request: The request.
            retry: Whether to retry. Throttled requests (429) are always retried.

        Raises:
            NoResponse: The last try got no response.
            NoPermit: The account is given up, see `_send_until_not_throttled`.
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

        If one app gets nine consecutive 429s while others are served, it is throttled for a reason of its
        own, so the 429 is returned. If the account gets nothing but 429 for five minutes, or a Retry-After of
        more than five minutes, the account is given up and nothing more is sent.

        Returns:
            The response, and its Retry-After in seconds.

        Raises:
            NoResponse: The request got no response.
            NoPermit: The account is given up.
        """
        resource = request.path.partition("?")[0]
        refusal: Response | None = None
        others = self._others
        while True:
            sent_at = await self._permit(refusal)
            answer, retry_after_seconds = await self._try(request)
            if answer.status != 429:
                self._others += 1
                self._refused_since = None
                self._consecutive_429s.pop(resource, None)
                await self._limiter.record_response(sent_at)
                return answer, retry_after_seconds
            self._consecutive_429s[resource] += 1
            refusal = answer
            await self._record_throttled(sent_at, retry_after_seconds)
            if self._consecutive_429s[resource] > RETRIES_WHEN_LIMITED and self._others > others:
                return answer, None

    async def _permit(self, refusal: Response | None) -> float:
        """Wait for a permit and return the time at which the request may be sent.

        Args:
            refusal: The last 429 of the request, if any.

        Raises:
            NoPermit: The account is given up.
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
            # The limiter does not give up while other processes of the account are served.
            if self._refused_since is not None and is_too_late(self._refused_since, now):
                self._give_up(NoPermit(NOTHING_ELSE))

    def _give_up(self, reason: NoPermit) -> NoPermit:
        """Send nothing more, and end every wait for a permit; return the first reason."""
        if self._given_up is None:
            self._given_up = reason
            now = asyncio.get_running_loop().time()
            for wait in self._waiting:
                wait.reschedule(now)
        return self._given_up

    async def _try(self, request: Request) -> tuple[Response, float | None]:
        """Send a request once.

        Returns:
            The response and its Retry-After in seconds.

        Raises:
            NoResponse: No response arrived, or the body of a 2xx was cut off.
        """
        if self._session is None:
            raise RuntimeError("HttpClient must be used as an asynchronous context manager")
        self.requests += 1
        content, secrets = None, self._secrets
        if request.content:
            content = request.content()
            secrets = (*secrets, *(str(content[name]) for name in request.secret))
        try:
            async with self._session.request(
                request.method,
                URL(f"{self._base_url}/{request.path}", encoded=True),
                json=content,
                headers=self._headers,
                allow_redirects=False,
                **self._through,
            ) as response:
                answer, error = await received(response, secrets)
                if error is not None and answer.status < 300:
                    raise broken_off(error, self._timeouts, answer) from None
                return answer, _retry_after_seconds(response.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise no_response(error, self._timeouts, self.proxy) from None


def _trust(ca_file: Path | None) -> ssl.SSLContext | bool:
    """Return the trusted authorities: those in `ca_file`, or those of this machine (True)."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else True


def _retry_after_seconds(header: str | None) -> float | None:
    """Return a Retry-After in seconds, from seconds or a date (RFC 9110, 10.2.3). None without one."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        at = http_date(text)
        if at is None:
            return None
        seconds = (at - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), MOST_RETRY_AFTER_SECONDS)
