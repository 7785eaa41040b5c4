"""The Dashboard RESTful API: bandwidth, and the open state for push-streaming.

The checks run in this order: credentials (401), rate limit (429), path (404), App IDs that a fault declares
foreign (401 or 403), App ID (404), format of the date or the body (400), other scripted faults, vendor window
(400). A future date gets a 400. A response for today contains the points of the slots that have ended. The
default usage date is yesterday.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import orjson
from aiohttp import hdrs, web

from sandbox.account import Account, DateError
from sandbox.faults.active import AppliedFaults
from sandbox.faults.base import Endpoint, ReceivedRequest, Stage
from sandbox.http.requests import USAGE_DATE, BodyError, decode_object, read_body
from sandbox.http.responses import BASIC_CHALLENGE, ApiResponse, dashboard_error, deliver, send
from sandbox.traffic.served_day import ServedDay

BASE_PATH = "/dev/v2"
BANDWIDTH_PATH = BASE_PATH + "/apps/{app_id}/usages/bandwidth"
OPEN_STATE_PATH = BASE_PATH + "/apps/{app_id}/pushstream/openstate"

JSON = "application/json"


class DashboardEndpoints:
    """Handlers for the Dashboard API.

    Args:
        account: The account to serve.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, named after the endpoints as in fault scripts."""
        return [
            web.get(BANDWIDTH_PATH, self.bandwidth, allow_head=False, name=Endpoint.BANDWIDTH),
            web.get(OPEN_STATE_PATH, self.open_state, allow_head=False, name=Endpoint.OPEN_STATE),
            web.post(OPEN_STATE_PATH, self.apply_for_opening, name=Endpoint.OPEN_STATE),
        ]

    def refuse(self, request: web.Request) -> web.Response | None:
        """Return a 401 or 429 if the request must not reach its handler, otherwise None."""
        account = self._account
        if not account.credentials.match(request.headers.get(hdrs.AUTHORIZATION)):
            return unauthorized()
        if not account.rate_limit.accept():
            wait = account.rate_limit.retry_after_seconds
            headers = {} if wait is None else {"Retry-After": str(wait)}
            message = "Too many requests: the account has reached its rate limit."
            return send(dashboard_error(429, message, headers))
        return None

    def unknown(self, _refused: web.HTTPException) -> web.Response:
        """Return the 404 for an unknown path or method, which the vendor calls a wrong API call."""
        return send(dashboard_error(404, "There is no such API call."))

    async def bandwidth(self, request: web.Request) -> web.StreamResponse:
        """Return the five-minute points of one app-day."""
        account = self._account
        await account.wait_for_latency()
        app_id = request.match_info["app_id"]
        if refusal := self._refuse_app_id(Endpoint.BANDWIDTH, request.method, app_id):
            return send(refusal)
        try:
            usage_date = account.parse_usage_date(request.query.getall("date", []))
        except DateError as problem:
            return send(dashboard_error(400, str(problem)))
        request[USAGE_DATE] = usage_date
        received = ReceivedRequest(Endpoint.BANDWIDTH, request.method, app_id, usage_date)
        faults = account.faults.apply(received)
        if faults is None:
            return send(self._app_day(app_id, usage_date, None))
        response = faults.replacement() or self._app_day(app_id, usage_date, faults)
        return await deliver(request, response, faults.delivery)

    def _refuse_app_id(self, endpoint: Endpoint, method: str, app_id: str) -> ApiResponse | None:
        account = self._account
        foreign = account.faults.apply(ReceivedRequest(endpoint, method, app_id), Stage.APP_ID)
        if foreign is not None:
            return foreign.replacement()
        if app_id not in account.app_by_id:
            return dashboard_error(404, "There is no such App ID in this account.")
        return None

    def _app_day(self, app_id: str, usage_date: date, faults: AppliedFaults | None) -> ApiResponse:
        account = self._account
        try:
            slots = account.served_slots(usage_date, None if faults is None else faults.window)
        except DateError as problem:
            return dashboard_error(400, str(problem))
        if faults is None:
            return ApiResponse(200, account.served_days.body(account.app_by_id[app_id], usage_date, slots))
        day = ServedDay(account.served_days, account.app_by_id, app_id, usage_date, slots)
        return ApiResponse(200, faults.body(day))

    async def open_state(self, request: web.Request) -> web.StreamResponse:
        """Return whether push-streaming is enabled for an app."""
        return await self._open_state(request, self._account.open_states.is_open)

    async def apply_for_opening(self, request: web.Request) -> web.StreamResponse:
        """Apply for push-streaming to be enabled for an app."""
        return await self._open_state(request, self._account.open_states.apply)

    async def _open_state(self, request: web.Request, enabled: Callable[[str], bool]) -> web.StreamResponse:
        account = self._account
        await account.wait_for_latency()
        app_id = request.match_info["app_id"]
        if refusal := self._refuse_app_id(Endpoint.OPEN_STATE, request.method, app_id):
            return send(refusal)
        try:
            await _check_parameters(request)
        except BodyError as problem:
            return send(dashboard_error(400, str(problem)))
        faults = account.faults.apply(ReceivedRequest(Endpoint.OPEN_STATE, request.method, app_id))
        response = None if faults is None else faults.replacement()
        if response is None:
            response = ApiResponse(200, orjson.dumps({"enable": enabled(app_id)}))
        return send(response) if faults is None else await deliver(request, response, faults.delivery)


def unauthorized() -> web.Response:
    """Return the 401 for missing or wrong credentials."""
    message = "The Customer ID or the Customer Certificate is missing or wrong."
    return send(dashboard_error(401, message, dict(BASIC_CHALLENGE)))


async def _check_parameters(request: web.Request) -> None:
    """Check that the body of a POST is empty or a JSON object with a JSON Content-Type.

    Raises:
        BodyError: The body is neither, or its Content-Type is not JSON.
    """
    if request.method != hdrs.METH_POST:
        return
    body = await read_body(request)
    if body and request.content_type != JSON:
        raise BodyError(f"The body of a POST must have the content type {JSON}.")
    if body:
        decode_object(body)
