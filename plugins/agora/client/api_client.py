"""Base class for both API clients. It sends a request and raises a typed error for a failure status."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from agora.client.network_errors import PROXY_CREDENTIALS, NoResponse
from agora.client.request import Request
from agora.client.response import Response
from agora.client.retries import RetryingClient
from agora.errors import OutcomeUnknown, RateLimited, UnexpectedResponse, VendorError, VendorUnavailable
from agora.rate_limit.local import NoPermit

Meaning = tuple[type[VendorError], str]
"""An error class and its remedy."""

FAILED = 500  # key for every 5xx and for a missing response
NOT_SENT: Meaning = VendorUnavailable, "Nothing was sent. Try again when the host is reachable."
REDIRECTED: Meaning = (
    UnexpectedResponse,
    "Redirects are not followed. Check the host of the connection {conn_id}.",
)
UNDOCUMENTED: Meaning = (
    UnexpectedResponse,
    "The vendor's documents do not list this status. Check the host of the connection {conn_id}. If the"
    " status persists, report it to the vendor with this message.",
)
AFTER_THE_WAIT = "Until then, runs send nothing to this account. The first run after that time tries again."
TIMED_OUT: Meaning = (
    UnexpectedResponse,
    "The server gave up waiting and did not process the request. The next run tries again.",
)
SPECIAL: dict[int, Meaning] = {
    304: UNDOCUMENTED,  # a 3xx, but no redirect
    407: (
        UnexpectedResponse,
        f"A proxy between this machine and the vendor requires credentials. {PROXY_CREDENTIALS}",
    ),
    408: TIMED_OUT,
    425: TIMED_OUT,
}
"""Meanings of statuses that RFC 9110 or RFC 8470 defines and the vendor does not document."""


def meaning_of(status: int, meanings: Mapping[int, Meaning]) -> Meaning:
    """Return the error class and the remedy for an unsuccessful status.

    Args:
        status: HTTP status, 300 or more.
        meanings: Meaning of each documented status and of `FAILED`.
    """
    documented = meanings.get(min(status, FAILED))
    if documented:
        return documented
    return SPECIAL.get(status, REDIRECTED if status < 400 else UNDOCUMENTED)


class ApiClient:
    """Base client for one of the vendor's APIs, used as an asynchronous context manager.

    Args:
        conn_id: Name of the connection, for messages.
        base_url: Base URL of the API, for messages.
        transport: Client that sends the requests, with retries.
    """

    def __init__(self, conn_id: str, base_url: str, transport: RetryingClient) -> None:
        self.transport = transport
        self._conn_id = conn_id
        proxy = transport.http.proxy
        self._server = f"{base_url} through the proxy {proxy.name}" if proxy else base_url
        # Over plain HTTP, the proxy's responses cannot be distinguished from the server's.
        is_plain = proxy and not base_url.startswith("https:")
        self._sender = f"the vendor (or the proxy {proxy.name})" if proxy and is_plain else "the vendor"

    async def __aenter__(self) -> Self:
        await self.transport.http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.transport.http.__aexit__(kind, error, trace)

    async def send(
        self,
        request: Request,
        meanings: Mapping[int, Meaning],
        *,
        about: str,
        app_id: str,
        retry: bool = True,
    ) -> Response:
        """Send a request with retries, and return the successful response.

        Args:
            request: The request.
            meanings: Meaning of each documented status and of `FAILED`.
            about: Subject of the request, for messages.
            app_id: App ID of the request.
            retry: Whether to retry.

        Raises:
            VendorError: The response was unsuccessful or missing. `meanings` selects the class.
        """
        try:
            answer = await self.transport.send(request, retry=retry)
        except NoResponse as error:
            kind, advice = meanings[FAILED]
            if kind is OutcomeUnknown and not error.sent:
                kind, advice = NOT_SENT
            raise kind(
                f"no response from {self._server}: {error}",
                about=about,
                app_id=app_id,
                advice=(error.advice or advice).format(conn_id=self._conn_id),
                answer=error.answer,
                conn_id=self._conn_id,
            ) from None
        except NoPermit as error:
            raise self._rate_limited(error, meanings, about=about, app_id=app_id) from None
        if 200 <= answer.status < 300:
            return answer
        raise self.refusal(answer, answer.status, meanings, about=about, app_id=app_id)

    def _rate_limited(
        self, error: NoPermit, meanings: Mapping[int, Meaning], *, about: str, app_id: str
    ) -> RateLimited:
        if error.answer:
            limited = f"HTTP 429 from {self._sender}: {error.answer.message().rstrip('.')}"
        else:
            limited = "HTTP 429 to other requests for the account, so this request was not sent"
        advice = AFTER_THE_WAIT if error.retry_at else meanings[429][1]
        rate_limited = RateLimited(
            f"{limited}; {error}",
            about=about,
            app_id=app_id,
            advice=advice.format(conn_id=self._conn_id),
            answer=error.answer,
            conn_id=self._conn_id,
        )
        rate_limited.retry_at = error.retry_at
        rate_limited.is_of_account = True
        return rate_limited

    def refusal(
        self, answer: Response, status: int, meanings: Mapping[int, Meaning], *, about: str, app_id: str
    ) -> VendorError:
        """Return the error for a status, with the vendor's message."""
        kind, advice = meaning_of(status, meanings)
        return kind(
            f"HTTP {status} from {self._sender}: {answer.message()}",
            about=about,
            app_id=app_id,
            advice=advice.format(conn_id=self._conn_id),
            answer=answer,
            conn_id=self._conn_id,
        )
