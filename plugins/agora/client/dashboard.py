"""Dashboard RESTful API client, and the meaning of each status (sections 3 to 6 of the API document)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from urllib.parse import quote

from agora.client.api_client import FAILED, ApiClient, Meaning
from agora.client.http import HttpClient
from agora.client.request import TIMEOUTS, Request, Timeouts
from agora.client.response import Response
from agora.client.retries import RetryingClient
from agora.errors import (
    AppRefused,
    CredentialsRefused,
    DayRefused,
    OutcomeUnknown,
    RateLimited,
    RequestInvalid,
    UnexpectedResponse,
    UnknownApp,
    VendorUnavailable,
)
from agora.rate_limit.local import LocalLimiter, RateLimiter
from agora.settings.connections import DashboardSettings
from agora.text import format_count

REQUESTED_AGAIN = "The next run tries again."
CONFIRMING_APPS = 5  # if this many apps are refused and none is served, the credentials are wrong

_LOGIN = (
    "login is the Customer ID and password the Customer Certificate (neither is the App ID or App"
    " Certificate)"
)
_APP_REFUSED: Meaning = (
    AppRefused,
    "The vendor does not accept this App ID with the account's credentials. The App ID may belong to"
    " another account. Check the App ID and its conn_id in the variable agora_apps. If the account has no"
    f" other app, also check the connection {{conn_id}}: {_LOGIN}.",
)

BANDWIDTH: dict[int, Meaning] = {
    400: (
        DayRefused,
        "The day is outside the vendor's window, or the request is malformed. If the vendor's window is"
        " shorter than the window set in the connection {conn_id}, change the connection.",
    ),
    401: _APP_REFUSED,  # "App ID and Customer Certificate do not match"
    403: _APP_REFUSED,  # the same meaning on the vendor's newer pages
    404: (
        UnknownApp,
        "Check the App ID and its conn_id in the variable agora_apps. If every app fails, check the host of"
        " the connection {conn_id}.",
    ),
    429: (RateLimited, "Lower requests_per_second in the connection {conn_id}, or wait for the next run."),
    FAILED: (VendorUnavailable, REQUESTED_AGAIN),
}
QUERY: dict[int, Meaning] = {
    **BANDWIDTH,
    400: (RequestInvalid, "Check the App ID in the variable agora_apps. If it is right, contact the vendor."),
}
APPLICATION: dict[int, Meaning] = {
    **QUERY,
    FAILED: (
        OutcomeUnknown,
        "The application may have taken effect, so it is not sent again automatically. Query the open state,"
        " and apply again if it is still false.",
    ),
}


def credentials_refused(error: AppRefused, apps: Sequence[str]) -> CredentialsRefused:
    """Return the error for an account whose credentials were refused for several apps.

    Args:
        error: The last refusal.
        apps: The refused App IDs. None of the account's apps was served.
    """
    kind = "different app" if len(apps) > 1 else "app"
    return CredentialsRefused(
        f"the vendor refused the credentials for {format_count(len(apps), kind)}"
        f" ({error.reason.rstrip('.')})",
        about=f"Connection {error.conn_id}",
        app_id=error.app_id,
        advice=f"Nothing further was requested. Fix the connection {error.conn_id}: {_LOGIN}.",
        answer=error.answer,
        conn_id=error.conn_id,
    )


class DashboardClient(ApiClient):
    """Dashboard API client for one vendor account, used as an asynchronous context manager.

    Args:
        settings: The account.
        limiter: Rate limiter shared with the account's other clients. Default: one for this process only.
        timeouts: Time limits for one request.
    """

    def __init__(
        self,
        settings: DashboardSettings,
        *,
        limiter: RateLimiter | None = None,
        timeouts: Timeouts = TIMEOUTS,
    ) -> None:
        self.settings = settings
        certificate, credentials = settings.secrets
        http = HttpClient(
            settings.base_url,
            headers={"Authorization": f"Basic {credentials}"},
            secrets=(credentials, certificate),
            max_concurrency=settings.max_concurrency,
            ca_file=settings.ca_file,
            proxy=settings.route(),
            timeouts=timeouts,
        )
        transport = RetryingClient(http, limiter or LocalLimiter(settings.requests_per_second))
        super().__init__(settings.conn_id, settings.base_url, transport)

    async def bandwidth(self, app_id: str, usage_date: date, *, retry: bool = True) -> Response:
        """Request the 288 five-minute points for one App ID and one usage date.

        The date is sent as YYYYMMDD. The response body is returned without decoding.

        Args:
            app_id: The vendor's App ID.
            usage_date: A day in the vendor's time zone.
            retry: Whether to retry.

        Raises:
            AppRefused: 401 or 403.
            UnknownApp: 404.
            DayRefused: 400.
            RateLimited: 429 after all retries.
            VendorUnavailable: 5xx or no response after all retries.
            UnexpectedResponse: Any other status.
        """
        date_asked = usage_date.isoformat().replace("-", "")
        request = Request("GET", f"{_path(app_id)}/usages/bandwidth?date={date_asked}")
        about = self.about(app_id, f"{usage_date}")
        return await self.send(request, BANDWIDTH, about=about, app_id=app_id, retry=retry)

    async def push_stream_is_open(self, app_id: str, *, retry: bool = True) -> bool:
        """Query whether push-streaming is enabled for one App ID.

        Args:
            app_id: The vendor's App ID.
            retry: Whether to retry.

        Raises:
            AppRefused: 401 or 403.
            UnknownApp: 404.
            RequestInvalid: 400.
            RateLimited: 429 after all retries.
            VendorUnavailable: 5xx or no response after all retries.
            UnexpectedResponse: Any other status, or a body that is not `{"enable": true}` or `false`.
        """
        return await self._open_state(Request("GET", _open_state_path(app_id)), QUERY, app_id, retry=retry)

    async def apply_for_push_stream(self, app_id: str) -> bool:
        """Apply for push-streaming for one App ID, and return whether push-streaming is now enabled.

        False is a valid result: the vendor has not enabled push-streaming yet.

        Raises:
            OutcomeUnknown: 5xx, or no response after the request was sent. The request is not repeated.
            VendorError: As in `push_stream_is_open`.
        """
        request = Request("POST", _open_state_path(app_id), content=dict)
        return await self._open_state(request, APPLICATION, app_id)

    def about(self, app_id: str, what: str) -> str:
        """Return a request's subject, for example `App a1, 2026-11-01, connection agora_dashboard`."""
        return f"App {app_id}, {what}, connection {self.settings.conn_id}"

    async def _open_state(
        self, request: Request, meanings: dict[int, Meaning], app_id: str, *, retry: bool = True
    ) -> bool:
        about = self.about(app_id, "push-stream open state")
        answer = await self.send(request, meanings, about=about, app_id=app_id, retry=retry)
        enabled = None if answer.fault else _enabled(answer.body)
        if enabled is None:
            raise UnexpectedResponse(
                f"HTTP {answer.status}, but the body has no open state: {answer.fault or answer.message()}",
                about=about,
                app_id=app_id,
                advice="Query again. If the error persists, contact the vendor.",
                answer=answer,
            )
        return enabled


def _path(app_id: str) -> str:
    return f"apps/{quote(app_id, safe='')}"


def _open_state_path(app_id: str) -> str:
    return f"{_path(app_id)}/pushstream/openstate"


def _enabled(body: bytes) -> bool | None:
    """Return the value of `{"enable": true}` or `{"enable": false}`, or None for any other body."""
    try:
        enabled = json.loads(body)["enable"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return enabled if isinstance(enabled, bool) else None
