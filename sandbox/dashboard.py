"""The Dashboard RESTful API over HTTP: credentials, rate limit, then what was called.

Checks, in this order: credentials (401), rate limit (429), path, scripted foreign App IDs (401 or 403), App
ID (404), the form of the date or of the body (400), other scripted faults, the window (400). A date in the
future gets 400. Today gets the points of the slots that are over. The default usage date is yesterday.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import orjson
from aiohttp import hdrs, web

from sandbox.account import Account, DateError
from sandbox.answers import BASIC_CHALLENGE, Answer, error
from sandbox.call import Call, ReceivedCall
from sandbox.fault import Stage
from sandbox.faults import FaultyCall
from sandbox.request_body import BodyError, decode_object, read_body
from sandbox.responses import respond, respond_with_faults
from sandbox.served_day import ServedDay

BASE_PATH = "/dev/v2"
BANDWIDTH_PATH = BASE_PATH + "/apps/{app_id}/usages/bandwidth"
OPEN_STATE_PATH = BASE_PATH + "/apps/{app_id}/pushstream/openstate"

JSON = "application/json"

# Where a handler leaves the usage date it was asked for, for the counts.
USAGE_DATE = web.RequestKey("usage_date", date)


class DashboardCalls:
    """Handlers of everything that is answered in the Dashboard API's name.

    Args:
        account: What is served.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """Lists the calls with their handlers."""
        return [
            web.get(BANDWIDTH_PATH, self.bandwidth, allow_head=False, name=Call.BANDWIDTH),
            web.get(OPEN_STATE_PATH, self.open_state, allow_head=False, name=Call.OPEN_STATE),
            web.post(OPEN_STATE_PATH, self.apply_for_opening, name=Call.OPEN_STATE),
        ]

    def turn_away(self, request: web.Request) -> web.Response | None:
        """Gives the answer to a call that may not go on to its handler, in the vendor's order of checks."""
        account = self._account
        if not account.credentials.admit(request.headers.get(hdrs.AUTHORIZATION)):
            return unauthorized()
        if not account.rate_limit.lets_in():
            wait = account.rate_limit.retry_after_seconds
            headers = {} if wait is None else {"Retry-After": str(wait)}
            return respond(error(429, "Too many requests: the account's rate limit is reached.", headers))
        return None

    def unknown(self, _refused: web.HTTPException) -> web.Response:
        """Answers a path or method the vendor does not have; its document calls that a wrong API call."""
        return respond(error(404, "There is no such API call."))

    async def bandwidth(self, request: web.Request) -> web.StreamResponse:
        """Answers one app's five-minute points of one day."""
        account = self._account
        await account.hold_back()
        app_id = request.match_info["app_id"]
        if refused := self._refuse_app_id(Call.BANDWIDTH, request.method, app_id):
            return respond(refused)
        try:
            usage_date = account.asked_date(request.query.getall("date", []))
        except DateError as problem:
            return respond(error(400, str(problem)))
        request[USAGE_DATE] = usage_date
        received = ReceivedCall(Call.BANDWIDTH, request.method, app_id, usage_date)
        call = account.faults.met_by(received)
        answer = (call and call.instead()) or self._day(app_id, usage_date, call)
        return await respond_with_faults(request, answer, call)

    def _refuse_app_id(self, call: Call, method: str, app_id: str) -> Answer | None:
        account = self._account
        foreign = account.faults.met_by(ReceivedCall(call, method, app_id), Stage.APP_ID)
        if foreign is not None:
            return foreign.instead()
        if app_id not in account.app_by_id:
            return error(404, "There is no such App ID in this account.")
        return None

    def _day(self, app_id: str, usage_date: date, call: FaultyCall | None) -> Answer:
        account = self._account
        try:
            slots = account.served_slots(usage_date, None if call is None else call.window)
        except DateError as problem:
            return error(400, str(problem))
        if call is None:
            return Answer(200, account.answers.body(account.app_by_id[app_id], usage_date, slots))
        day = ServedDay(account.answers, account.app_by_id, app_id, usage_date, slots)
        return Answer(200, call.body(day))

    async def open_state(self, request: web.Request) -> web.StreamResponse:
        """Answers whether one app may push streams."""
        return await self._open_state(request, self._account.open_states.is_open)

    async def apply_for_opening(self, request: web.Request) -> web.StreamResponse:
        """Applies for one app to be allowed to push streams."""
        return await self._open_state(request, self._account.open_states.apply)

    async def _open_state(self, request: web.Request, enabled: Callable[[str], bool]) -> web.StreamResponse:
        account = self._account
        await account.hold_back()
        app_id = request.match_info["app_id"]
        if refused := self._refuse_app_id(Call.OPEN_STATE, request.method, app_id):
            return respond(refused)
        try:
            await _demand_parameters(request)
        except BodyError as problem:
            return respond(error(400, str(problem)))
        call = account.faults.met_by(ReceivedCall(Call.OPEN_STATE, request.method, app_id))
        answer = (call and call.instead()) or Answer(200, orjson.dumps({"enable": enabled(app_id)}))
        return await respond_with_faults(request, answer, call)


def unauthorized() -> web.Response:
    """Answers who sends no or other credentials."""
    message = "Customer ID and Customer Certificate are missing or wrong."
    return respond(error(401, message, dict(BASIC_CHALLENGE)))


async def _demand_parameters(request: web.Request) -> None:
    """Lets pass no body, or a JSON object that says it is one; the call needs nothing of what it holds.

    Raises:
        BodyError: The body is something else.
    """
    if request.method != hdrs.METH_POST:
        return
    body = await read_body(request)
    if body and request.content_type != JSON:
        raise BodyError(f"The parameters of a POST are of the content type {JSON}.")
    if body:
        decode_object(body)
