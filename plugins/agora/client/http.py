"""HTTP client for one vendor server, with TLS, size limits and time limits. It sends each request once."""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import aiohttp
from yarl import URL

from agora.client.body import http_date, received
from agora.client.mask_secrets import LEAST_SECRET_CHARACTERS
from agora.client.network_errors import HungUp, broken_off, no_response
from agora.client.request import TIMEOUTS, Request, Timeouts
from agora.client.response import Response
from agora.forward_proxy import Proxy
from agora.rate_limit.adaptive import MOST_RETRY_AFTER_SECONDS


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Prevent aiohttp's own retries, which would bypass the rate limit and the request counts."""
    try:
        return await send(request)
    except aiohttp.ClientConnectorError:
        raise  # aiohttp does not retry this error
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise HungUp from error


class HttpClient:
    """HTTP session with one vendor server, used as an asynchronous context manager.

    Redirects are never followed, so secrets are sent only to the configured host.

    Args:
        base_url: Base URL that request paths are relative to.
        headers: Headers sent with every request.
        secrets: Secrets that a response may contain but messages must not.
        max_concurrency: Maximum number of concurrent requests.
        ca_file: PEM file with the trusted certificate authorities. Default: this machine's authorities.
        proxy: Forward proxy for the requests.
        timeouts: Time limits for one request.

    Attributes:
        requests: Number of requests sent.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        max_concurrency: int = 1,
        ca_file: Path | None = None,
        proxy: Proxy | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        self._base_url = str(URL(base_url)).rstrip("/")
        self._headers = {
            "Accept": "application/json",
            # Compression is not worthwhile for a 4 kB body. Compressed responses are accepted anyway.
            "Accept-Encoding": "identity",
            **(headers or {}),
        }
        self.proxy = proxy
        self._through = proxy.arguments(base_url) if proxy else {}
        # aiohttp also sends a session's headers to the proxy, so the headers are set on each request instead.
        self._headers.update(self._through.pop("headers", {}))
        secrets = (*secrets, *(proxy.secrets if proxy else ()))
        self._secrets = tuple(secret for secret in secrets if len(secret) >= LEAST_SECRET_CHARACTERS)
        self._max_concurrency = max_concurrency
        self._ca_file = ca_file
        self._timeouts = timeouts
        self._session: aiohttp.ClientSession | None = None
        self.requests = 0

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

    async def send(self, request: Request) -> tuple[Response, float | None]:
        """Send a request once.

        Returns:
            The response, and its Retry-After in seconds, if any.

        Raises:
            NoResponse: No response arrived, or the body of a 2xx response was cut off.
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
    """Return the trusted certificate authorities: from `ca_file` if set, otherwise this machine's (True)."""
    return ssl.create_default_context(cafile=ca_file) if ca_file else True


def _retry_after_seconds(header: str | None) -> float | None:
    """Return the seconds in a Retry-After header, which may contain a date (RFC 9110, 10.2.3), or None."""
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
