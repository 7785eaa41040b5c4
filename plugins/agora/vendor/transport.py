"""HTTP towards the vendor: TLS, Basic authentication, size caps, pace and retries."""

from __future__ import annotations

import asyncio
import random
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType

import aiohttp

from agora.settings import DashboardSettings
from agora.vendor.answer import Answer
from agora.vendor.pace import Pacer

MAX_BODY_BYTES = 1 << 20  # a day of points is about 4 kB
MAX_RETRY_AFTER_SECONDS = 300.0
RETRY_WITHIN_SECONDS = (1.0, 3.0, 6.0)  # the vendor's advice, as upper ends of full jitter
RETRIES_WHEN_LIMITED = 8
TIMEOUT = aiohttp.ClientTimeout(total=60, connect=15, sock_read=30)


class NoAnswer(Exception):
    """The network gave no answer; the message says how it failed."""


class _HungUp(aiohttp.ClientError):
    """The connection ended before an answer had begun."""


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from asking a second time by itself: that would pass by the pace and the counts."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise  # which it does not repeat, and whose kind says more
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _HungUp from error


class Transport:
    """One HTTP session of one vendor account, for one batch of requests.

    Use it as an asynchronous context manager. It never follows a redirect, so the credentials go nowhere
    but to the configured host.

    Args:
        settings: The account.
        pacer: Shared by everything that asks on behalf of this account; by default one of its own.
    """

    def __init__(self, settings: DashboardSettings, *, pacer: Pacer | None = None) -> None:
        self._settings = settings
        self._pacer = pacer or Pacer(settings.requests_per_second)
        self._session: aiohttp.ClientSession | None = None
        self._refused: Answer | None = None
        self.requests = 0
        self.limited = 0

    async def __aenter__(self) -> Transport:
        self._session = aiohttp.ClientSession(
            headers={
                "Authorization": aiohttp.encode_basic_auth(
                    self._settings.customer_id,
                    self._settings.customer_certificate.get_secret_value(),
                    encoding="utf-8",
                ),
                "Accept": "application/json",
                # A body of 4 kB is not worth a decompressor; what comes compressed all the same is read.
                "Accept-Encoding": "identity",
            },
            connector=aiohttp.TCPConnector(limit=self._settings.max_concurrency),
            timeout=TIMEOUT,
            auto_decompress=False,
            middlewares=[_once],
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def get(self, path: str, query: Mapping[str, str], *, retry: bool = True) -> Answer:
        """Ask until there is an answer that another try would not better.

        429, 5xx and network failures are asked again after a random wait (full jitter); a Retry-After is
        obeyed, up to five minutes. After a 401 nothing more is sent: it is the answer to everything.

        Args:
            path: Below the base URL, without a leading slash.
            query: Query parameters.
            retry: False asks once, except for 429s, which say nothing about the path.

        Raises:
            NoAnswer: The last try did not get one.
        """
        failures = limited = 0
        while True:
            sent_at = await self._pacer.turn()
            if self._refused is not None:
                return self._refused
            answer, retry_after_seconds, failure = await self._try(path, query)
            if answer is not None and answer.status == 429:
                limited += 1
                self.limited += 1
                self._pacer.limited(sent_at, retry_after_seconds)
                if limited > RETRIES_WHEN_LIMITED:
                    return answer
                continue
            if answer is not None:
                self._pacer.answered(sent_at)
                if answer.status == 401:
                    self._refused = answer
                if answer.status < 500:
                    return answer
            if not retry or failures == len(RETRY_WITHIN_SECONDS):
                if answer is None:
                    raise NoAnswer(failure)
                return answer
            jitter_seconds = random.uniform(0, RETRY_WITHIN_SECONDS[failures])  # noqa: S311 - not a secret
            failures += 1
            await asyncio.sleep(retry_after_seconds if retry_after_seconds is not None else jitter_seconds)

    async def _try(self, path: str, query: Mapping[str, str]) -> tuple[Answer | None, float | None, str]:
        """Ask once: an answer, its Retry-After in seconds, or how the network failed."""
        if self._session is None:
            raise RuntimeError("Transport is used as an asynchronous context manager")
        self.requests += 1
        url = f"{self._settings.base_url}/{path}"
        try:
            async with self._session.get(url, params=query, allow_redirects=False) as response:
                body, fault = await _read(response)
                answer = Answer(response.status, body, datetime.now(UTC), fault)
                return answer, _retry_after_seconds(response.headers.get("Retry-After")), ""
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            # The class only: aiohttp's texts may repeat headers or the request.
            return None, None, _failure(error)


async def _read(response: aiohttp.ClientResponse) -> tuple[bytes, str]:
    """Read at most the cap, compressed or not; say what is wrong with the body, if anything."""
    received = bytearray()
    async for chunk in response.content.iter_any():
        received += chunk
        if len(received) > MAX_BODY_BYTES:
            response.close()
            return bytes(received[:MAX_BODY_BYTES]), f"the body is larger than {MAX_BODY_BYTES} bytes"
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("identity", ""):
        return bytes(received), ""
    if encoding not in ("gzip", "deflate"):
        return bytes(received), f"the body is encoded as {encoding[:40]!r}, which was not asked for"
    return _decompressed(bytes(received))


def _decompressed(received: bytes) -> tuple[bytes, str]:
    reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    try:
        body = reader.decompress(received, MAX_BODY_BYTES)
    except zlib.error as error:
        return received, f"the compressed body cannot be read ({error})"
    if reader.unconsumed_tail:
        return received, f"the body is larger than {MAX_BODY_BYTES} bytes when decompressed"
    if not reader.eof:
        return received, "the compressed body is truncated"
    return body, ""


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


def _failure(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its TLS certificate is not trusted"
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    if isinstance(error, _HungUp):
        return "it closed the connection"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({type(error.os_error).__name__})"
    return type(error).__name__ + (f" ({type(cause).__name__})" if cause else "")
