"""Statuses of open-state calls: errors are typed, and `false` is not an error."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from agora.client.dashboard import DashboardClient
from agora.errors import (
    AppRefused,
    OutcomeUnknown,
    RateLimited,
    RequestInvalid,
    UnexpectedResponse,
    UnknownApp,
    VendorError,
    VendorUnavailable,
)
from tests.client.push_stream_requests import OPEN_STATE_CALLS, account, account_of, call_open_state
from tests.support.sandbox_server import RunningSandbox

EITHER_CALL = pytest.mark.parametrize("name", OPEN_STATE_CALLS)
REDIRECTED = "Redirects are not followed. Check the host of the connection some_account"
UNLISTED = "documents do not list this status. Check the host of the connection some_account"
# Status, error class for either call, advice, and runbook entry.
REFUSALS: list[tuple[int, type[VendorError], str, str]] = [
    (302, UnexpectedResponse, REDIRECTED, "unexpected-response"),
    (304, UnexpectedResponse, UNLISTED, "unexpected-response"),
    (400, RequestInvalid, "Check the App ID in the variable agora_apps", "request-invalid"),
    (401, AppRefused, "The App ID may belong to another account", "app-refused"),
    (403, AppRefused, "The App ID may belong to another account", "app-refused"),
    (404, UnknownApp, "Check the App ID and its conn_id in the variable agora_apps", "unknown-app"),
    (409, UnexpectedResponse, UNLISTED, "unexpected-response"),
    (418, UnexpectedResponse, UNLISTED, "unexpected-response"),
]
FAILURES = [500, 502, 503, 504, 599]


def call_sandbox(sandbox: RunningSandbox, name: str, app: int = 0, **fields: Any) -> bool:
    settings = account_of(sandbox, **fields)
    return asyncio.run(call_open_state(settings, OPEN_STATE_CALLS[name], sandbox.app_ids[app]))


def refusal(sandbox: RunningSandbox, name: str, status: int) -> VendorError:
    """Return the error that a call raises for a status, and check the beginning of its text."""
    content = {"message": "words of the vendor"}
    sandbox.put_faults([{"call": "open_state", "kind": "status", "status": status, "body": content}])
    with pytest.raises(VendorError) as raised:
        call_sandbox(sandbox, name)
    error, app_id = raised.value, sandbox.app_ids[0]
    assert str(error).startswith(
        f"App {app_id}, push-stream open state, connection some_account: HTTP {status} from the vendor: "
        + ("no message. " if status == 304 else "words of the vendor")  # a 304 has no body
    )
    assert error.app_id == app_id
    assert error.answer is not None
    assert error.answer.status == status
    return error


@EITHER_CALL
@pytest.mark.parametrize(("status", "kind", "advice", "entry"), REFUSALS)
def test_a_refusal_raises_its_typed_error_after_one_request(
    sandbox: RunningSandbox, name: str, status: int, kind: type[VendorError], advice: str, entry: str
) -> None:
    error = refusal(sandbox, name, status)
    assert type(error) is kind
    assert advice in str(error)
    assert str(error).endswith(f". See docs/runbook.md#{entry}")
    assert sandbox.stats()["by_status"] == {str(status): 1}


@EITHER_CALL
def test_persistent_429s_are_given_up(sandbox: RunningSandbox, name: str, short_give_up: None) -> None:
    error = refusal(sandbox, name, 429)
    assert type(error) is RateLimited
    assert "Lower requests_per_second in the connection some_account" in str(error)
    assert str(error).endswith(". See docs/runbook.md#rate-limited")
    assert sandbox.stats()["by_status"].keys() == {"429"}
    assert 2 < sandbox.stats()["requests"] < 30


@pytest.mark.parametrize("status", FAILURES)
def test_a_failed_application_is_not_repeated_and_its_outcome_is_unknown(
    sandbox: RunningSandbox, status: int
) -> None:
    error = refusal(sandbox, "apply", status)
    assert type(error) is OutcomeUnknown
    assert "Query the open state, and apply again if it is still false" in str(error)
    assert str(error).endswith(". See docs/runbook.md#outcome-unknown")
    assert sandbox.stats()["by_status"] == {str(status): 1}


@pytest.mark.parametrize("status", FAILURES)
def test_a_failing_query_is_sent_four_times(sandbox: RunningSandbox, status: int) -> None:
    error = refusal(sandbox, "query", status)
    assert type(error) is VendorUnavailable
    assert str(error).endswith("The next run tries again. See docs/runbook.md#vendor-unavailable")
    assert sandbox.stats()["by_status"] == {str(status): 4}


def test_a_query_without_retries_is_sent_once(sandbox: RunningSandbox) -> None:
    async def main() -> None:
        async with DashboardClient(account_of(sandbox)) as client:
            with pytest.raises(VendorUnavailable):
                await client.push_stream_is_open(sandbox.app_ids[0], retry=False)

    sandbox.put_faults([{"call": "open_state", "kind": "disconnect"}])
    asyncio.run(main())
    assert sandbox.stats()["requests"] == 1


@EITHER_CALL
@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("enable", [True, False])
def test_any_2xx_is_a_success(sandbox: RunningSandbox, name: str, status: int, enable: bool) -> None:
    body = {"enable": enable}
    sandbox.put_faults([{"call": "open_state", "kind": "status", "status": status, "body": body}])
    assert call_sandbox(sandbox, name) is enable
    assert sandbox.stats()["by_status"] == {str(status): 1}


def test_an_application_enables_only_its_app(sandbox: RunningSandbox) -> None:
    assert call_sandbox(sandbox, "query") is False
    assert call_sandbox(sandbox, "apply") is True
    assert call_sandbox(sandbox, "query") is True
    assert call_sandbox(sandbox, "query", app=1) is False
    assert call_sandbox(sandbox, "apply") is True
    assert sandbox.open_states() == {app_id: app_id == sandbox.app_ids[0] for app_id in sandbox.app_ids}


def test_a_declined_application_is_not_an_error(sandbox: RunningSandbox) -> None:
    sandbox.put_open_grants(False)
    assert call_sandbox(sandbox, "apply") is False
    assert sandbox.stats()["by_status"] == {"200": 1}


@EITHER_CALL
def test_wrong_credentials_are_refused_before_anything_else(sandbox: RunningSandbox, name: str) -> None:
    with pytest.raises(AppRefused, match="missing or wrong"):
        call_sandbox(sandbox, name, customer_certificate="wrong")
    assert not any(sandbox.open_states().values())


@pytest.mark.parametrize("kind", ["disconnect", "truncate"])
def test_the_advice_for_a_lost_application_reveals_that_it_arrived(
    sandbox: RunningSandbox, kind: str
) -> None:
    fault = {"kind": kind, **({"bytes": 5} if kind == "truncate" else {})}
    sandbox.put_faults([{**fault, "call": "open_state", "times": 1}])
    with pytest.raises(OutcomeUnknown, match="Query the open state"):
        call_sandbox(sandbox, "apply")
    assert sandbox.stats()["requests"] == 1
    assert call_sandbox(sandbox, "query") is True


@pytest.mark.parametrize(
    ("name", "advice"),
    [("query", "The next run tries again"), ("apply", "Nothing was sent. Try again")],
)
def test_an_unreachable_host_is_unavailable(name: str, advice: str) -> None:
    async def main() -> int:
        async with DashboardClient(account("http://127.0.0.1:1/dev/v2")) as client:
            with pytest.raises(VendorUnavailable, match=advice) as raised:
                await OPEN_STATE_CALLS[name](client, "a1")
            assert "no response from http://127.0.0.1:1/dev/v2: no connection" in str(raised.value)
            return client.transport.requests

    assert asyncio.run(main()) == 4
