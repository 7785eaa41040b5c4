"""HTTP towards the vendor: TLS, size caps, pace and retries."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType

import aiohttp
from yarl import URL

from agora.vendor.answer import LEAST_SECRET_CHARACTERS, Answer
from agora.vendor.body import received
from agora.vendor.no_answer import HungUp, NoAnswer, broken_off, no_answer
from agora.vendor.pacer import Turns
from agora.vendor.request import Request
from agora.vendor.timeouts import TIMEOUTS, Timeouts

MAX_RETRY_AFTER_SECONDS = 300.0
RETRY_WITHIN_SECONDS = (1.0, 3.0, 6.0)  # the vendor's advice, as upper ends of full jitter
RETRIES_WHEN_LIMITED = 8


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from asking a second time by itself: that would pass by the pace and the counts."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise  # which it does not repeat, and whose kind says more
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise HungUp from error


class Transport:
    """One HTTP session with one server of the vendor's, for one batch of requests.

    Use it as an asynchronous context manager. It never follows a redirect, so what is secret goes nowhere
    but to the configured host.

    Args:
        base_url: Where the paths of the requests begin.
        pacer: Shared by everything that asks on behalf of the same account.
        headers: Sent with every request.
        secrets: What an answer may repeat of what was sent, and no message of ours.
        max_concurrency: Requests under way at once.
        ca_file: Authorities to trust in place of this machine's.
        timeouts: How long one request may take.
    """

    def __init__(
        self,
        base_url: str,
        *,
        pacer: Turns,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        max_concurrency: int = 1,
        ca_file: Path | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        self._base_url = str(URL(base_url)).rstrip("/")
        self._pacer = pacer
        self._headers = {
            "Accept": "application/json",
            # A body of 4 kB is not worth a decompressor; what comes compressed all the same is read.
            "Accept-Encoding": "identity",
            **(headers or {}),
        }
        self._secrets = tuple(secret for secret in secrets if len(secret) >= LEAST_SECRET_CHARACTERS)
        self._max_concurrency = max_concurrency
        self._ca_file = ca_file
        self._timeouts = timeouts
        self._session: aiohttp.ClientSession | None = None
        self._refused: Answer | None = None
        self.requests = 0
        self.limited = 0

    async def __aenter__(self) -> Transport:
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            connector=aiohttp.TCPConnector(limit=self._max_concurrency, ssl=_trust(self._ca_file)),
            timeout=self._timeouts.for_aiohttp(),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),  # none are kept, none are looked for
            middlewares=[_once],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def ask(self, request: Request, *, retry: bool = True) -> Answer:
        """Ask until there is an answer that another try would not better.

        429, 5xx and network failures are asked again after a random wait (full jitter); a Retry-After is
        obeyed, up to five minutes. What is not safe to repeat is asked again only where the vendor turned
        it away (429) or was not reached at all. After a 401 nothing more is sent: it is the answer to all.

        Args:
            request: What to ask.
            retry: False asks once, except for 429s, which say nothing about the path.

        Raises:
            NoAnswer: The last try did not get one.
        """
        failures = failed_tries = limited = 0
        while True:
            sent_at = await self._pacer.turn()
            if self._refused is not None:
                return self._refused
            is_last = not retry or failures == len(RETRY_WITHIN_SECONDS)
            try:
                answer, retry_after_seconds = await self._try(request)
            except NoAnswer as error:
                if is_last or (error.sent and not request.is_safe_to_repeat):
                    raise
                failed_tries += error.sent
                retry_after_seconds = None
            else:
                if failed_tries:
                    answer = replace(answer, failed_tries=failed_tries)
                if answer.status == 429:
                    limited += 1
                    self.limited += 1
                    await self._pacer.limited(sent_at, retry_after_seconds)
                    if limited > RETRIES_WHEN_LIMITED:
                        return answer
                    continue
                await self._pacer.answered(sent_at)
                if answer.status == 401:
                    self._refused = answer
                if answer.status < 500 or is_last or not request.is_safe_to_repeat:
                    return answer
                failed_tries += 1
            jitter_seconds = random.uniform(0, RETRY_WITHIN_SECONDS[failures])  # noqa: S311 - not a secret
            failures += 1
            await asyncio.sleep(retry_after_seconds if retry_after_seconds is not None else jitter_seconds)

    async def _try(self, request: Request) -> tuple[Answer, float | None]:
        """Ask once.

        Returns:
            The answer, and its Retry-After in seconds.

        Raises:
            NoAnswer: None came, or a 2xx whose body broke off; of any other answer the status says enough.
        """
        if self._session is None:
            raise RuntimeError("Transport is used as an asynchronous context manager")
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
                allow_redirects=False,
            ) as response:
                answer, error = await received(response, secrets)
                if error is not None and answer.status < 300:
                    raise broken_off(error, self._timeouts, answer) from None
                return answer, _retry_after_seconds(response.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError) as error:  # a TimeoutError is an OSError
            raise no_answer(error, self._timeouts) from None


def _trust(ca_file: Path | None) -> ssl.SSLContext | bool:
    """Return whom to trust: the authorities of `ca_file`, or else (True) those of this machine."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else True


def _retry_after_seconds(header: str | None) -> float | None:
    """Read a Retry-After, given as seconds or as a date (RFC 9110, 10.2.3); None where there is none."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            at = parsedate_to_datetime(text)
        except (ValueError, OverflowError):  # the latter for years of many digits
            return None
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)
