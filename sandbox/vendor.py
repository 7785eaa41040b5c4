"""The vendor's call over HTTP: authentication, rate limit, then the day that was asked for."""

from __future__ import annotations

import asyncio
from datetime import date

from aiohttp import hdrs, web

from sandbox.account import Account, DateError
from sandbox.answers import Answer, error
from sandbox.catalogue import App
from sandbox.faults import FaultyCall

BASE_PATH = "/dev/v2"
BANDWIDTH_PATH = BASE_PATH + "/apps/{app_id}/usages/bandwidth"

# Where a handler leaves the usage date it was asked for, for the counts.
USAGE_DATE = web.RequestKey("usage_date", date)


class VendorCalls:
    """Handlers of everything that is answered in the vendor's name.

    Args:
        account: What is served.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def turn_away(self, request: web.Request) -> web.Response | None:
        """Gives the answer to a call that may not go on to its handler, in the vendor's order of checks."""
        account = self._account
        if not account.credentials.admit(request.headers.get(hdrs.AUTHORIZATION)):
            challenge = {"WWW-Authenticate": 'Basic realm="Customer ID and Customer Certificate"'}
            return _respond(
                error(401, "Customer ID and Customer Certificate are missing or wrong.", challenge)
            )
        if not account.rate_limit.lets_in():
            wait = account.rate_limit.retry_after_seconds
            headers = {} if wait is None else {"Retry-After": str(wait)}
            return _respond(error(429, "Too many requests: the account's rate limit is reached.", headers))
        return None

    def unknown(self) -> web.Response:
        """Answers a path or method the vendor does not have; its document calls that a wrong API call."""
        return _respond(error(404, "There is no such API call."))

    async def bandwidth(self, request: web.Request) -> web.StreamResponse:
        """Answers one app's five-minute points of one day."""
        account = self._account
        if account.config.latency_ms:
            await asyncio.sleep(account.config.latency_ms / 1000)
        app = account.app_by_id.get(request.match_info["app_id"])
        if app is None:
            return _respond(error(404, "There is no such App ID in this account."))
        try:
            usage_date = account.asked_date(request.query.getall("date", []))
        except DateError as problem:
            return _respond(error(400, str(problem)))
        request[USAGE_DATE] = usage_date
        call = account.faults.met_by(app.app_id, usage_date)
        if call is None:
            return _respond(self._truth(app, usage_date))
        return await self._faulty(request, call, app, usage_date)

    def _truth(self, app: App, usage_date: date) -> Answer:
        try:
            slots = self._account.served_slots(usage_date)
        except DateError as problem:
            return error(400, str(problem))
        return Answer(200, self._account.answers.body(app, usage_date, slots))

    async def _faulty(
        self, request: web.Request, call: FaultyCall, app: App, usage_date: date
    ) -> web.StreamResponse:
        await asyncio.sleep(call.delay_seconds)
        if call.disconnects:
            return _hang_up(request)
        answer = call.instead() or self._changed(call, app, usage_date)
        if call.bytes_sent is None:
            return _respond(answer)
        return await _send_beginning(request, answer, call.bytes_sent)

    def _changed(self, call: FaultyCall, app: App, usage_date: date) -> Answer:
        try:
            slots = self._account.served_slots(usage_date)
        except DateError as problem:
            return error(400, str(problem))
        return Answer(200, call.body(usage_date, self._account.answers.value(app, usage_date, slots)))


class HungUp(web.Response):
    """Stands for an answer that is never sent."""


def _respond(answer: Answer) -> web.Response:
    headers = {**answer.headers, hdrs.CONTENT_TYPE: answer.content_type}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return HungUp()


async def _send_beginning(request: web.Request, answer: Answer, size: int) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    # At least one byte is held back, or the body would not be cut.
    await response.write(answer.body[: max(0, min(size, len(answer.body) - 1))])
    if request.transport is not None:
        request.transport.close()
    return response
