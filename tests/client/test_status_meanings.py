"""For each call of both APIs, every status from 300 to 599 has exactly one explanation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from agora.client.api_client import Meaning
from agora.client.dashboard import APPLICATION, BANDWIDTH, QUERY, DashboardClient
from agora.client.push_stream import MEANINGS, START_MEANINGS
from agora.client.response import Response
from agora.errors import (
    AppRefused,
    ChannelConflict,
    ChannelKeyRefused,
    ChannelNotFound,
    DayRefused,
    OutcomeUnknown,
    RateLimited,
    RequestInvalid,
    UnexpectedResponse,
    UnknownApp,
    VendorError,
    VendorUnavailable,
)
from agora.settings.connections import parse_dashboard

pytestmark = pytest.mark.unit

CALLS: dict[str, Mapping[int, Meaning]] = {
    "bandwidth": BANDWIDTH,
    "query": QUERY,
    "apply": APPLICATION,
    "start": START_MEANINGS,
    "update, stop": MEANINGS,
}
DASHBOARD = {401: AppRefused, 403: AppRefused, 404: UnknownApp, 429: RateLimited}
CHANNEL = {
    400: RequestInvalid,
    401: ChannelKeyRefused,
    404: ChannelNotFound,
    409: ChannelConflict,
    429: RateLimited,
}
DOCUMENTED: dict[str, dict[int, type[VendorError]]] = {
    "bandwidth": {400: DayRefused, **DASHBOARD},
    "query": {400: RequestInvalid, **DASHBOARD},
    "apply": {400: RequestInvalid, **DASHBOARD},
    "start": CHANNEL,
    "update, stop": CHANNEL,
}
REDIRECT = "Redirects are not followed"
PROXY = "A proxy between this machine and the vendor requires credentials"
GAVE_UP = "The server gave up waiting"
UNLISTED = "The vendor's documents do not list this status. Check the host of the connection some_account"
UNDOCUMENTED = (REDIRECT, PROXY, GAVE_UP, UNLISTED)


def refusal(call: str, status: int) -> VendorError:
    settings = parse_dashboard("some_account", {"customer_id": "a", "customer_certificate": "b"})
    response = Response(status, b'{"message": "words of the vendor"}', datetime(2026, 11, 29, tzinfo=UTC))
    return DashboardClient(settings).refusal(response, status, CALLS[call], about="App a1", app_id="a1")


def expected_explanation(status: int) -> str:
    if status == 407:
        return PROXY
    if status in (408, 425):
        return GAVE_UP
    return REDIRECT if status < 400 and status != 304 else UNLISTED


@pytest.mark.parametrize("call", CALLS)
def test_every_status_has_exactly_one_explanation(call: str) -> None:
    for status in range(300, 600):
        error = refusal(call, status)
        text = str(error)
        assert text.startswith(f"App a1: HTTP {status} from the vendor: words of the vendor. ")
        assert "{" not in text
        given = [explanation for explanation in UNDOCUMENTED if explanation in text]
        if status >= 500:
            failed = OutcomeUnknown if call in ("apply", "start") else VendorUnavailable
            assert (type(error), given) == (failed, []), status
        elif status in DOCUMENTED[call]:
            assert (type(error), given) == (DOCUMENTED[call][status], []), status
        else:
            assert (type(error), given) == (UnexpectedResponse, [expected_explanation(status)]), status
