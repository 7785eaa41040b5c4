"""The `Date` header of the vendor's responses, with the clock error that a fault scripts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from aiohttp import hdrs, web

from sandbox.account import Account
from sandbox.call import Call, ReceivedCall
from sandbox.dashboard import USAGE_DATE
from sandbox.fault import Stage
from sandbox.push_stream import APP_ID


class DateHeader:
    """Sets the `Date` header of every response that a clock fault meets, errors included.

    Without a clock fault, the header shows real time, whatever the sandbox's clock shows.

    Args:
        account: The account whose faults are in force.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    async def set(self, request: web.Request, response: web.StreamResponse) -> None:
        """Set or remove the header just before the headers are sent."""
        received = _received_call(request)
        met = received and self._account.faults.met_by(received, Stage.RESPONSE)
        if not met or met.clock is None:
            return
        if met.clock.seconds is None:
            response.headers.pop(hdrs.DATE, None)
        else:
            shown = datetime.now(UTC) + timedelta(seconds=met.clock.seconds)
            response.headers[hdrs.DATE] = format_datetime(shown, usegmt=True)


def _received_call(request: web.Request) -> ReceivedCall | None:
    name = request.match_info.route.name
    if name not in list(Call):
        return None
    app_id = request.match_info.get("app_id") or request.get(APP_ID)
    return ReceivedCall(Call(name), request.method, app_id, request.get(USAGE_DATE))
