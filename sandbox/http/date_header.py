"""The `Date` header in responses that imitate the vendor, with the clock error that a fault scripts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import hdrs, web

from sandbox.account import Account
from sandbox.faults.base import Endpoint, ReceivedRequest, Stage
from sandbox.http.requests import APP_ID, USAGE_DATE


class DateHeader:
    """Sets the `Date` header in every response that a clock fault applies to, including error responses.

    Without a clock fault, the header shows real time, not the time on the sandbox's clock.

    Args:
        account: The account with the active faults.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    async def set(self, request: web.Request, response: web.StreamResponse) -> None:
        """Set or remove the header just before the headers are sent."""
        if not self._account.faults:
            return
        received = _received_request(request)
        applied = received and self._account.faults.apply(received, Stage.RESPONSE)
        if not applied or applied.clock is None:
            return
        if applied.clock.seconds is None:
            response.headers.pop(hdrs.DATE, None)
        else:
            shown = datetime.now(UTC) + timedelta(seconds=applied.clock.seconds)
            response.headers[hdrs.DATE] = format_datetime(shown, usegmt=True)


def _received_request(request: web.Request) -> ReceivedRequest | None:
    name = request.match_info.route.name
    if name not in list(Endpoint):
        return None
    app_id = request.match_info.get("app_id") or request.get(APP_ID)
    return ReceivedRequest(Endpoint(name), request.method, app_id, request.get(USAGE_DATE))
