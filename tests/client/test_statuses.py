"""Every error status raises a typed error with the app, the day, the connection and the vendor's message."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from agora.bandwidth.decode import decode
from agora.client.dashboard import DashboardClient, credentials_refused
from agora.errors import (
    AppRefused,
    CredentialsRefused,
    DayRefused,
    UnexpectedResponse,
    UnknownApp,
    VendorError,
    VendorUnavailable,
)
from tests.client.push_stream_requests import account_of, fetch_day_sync
from tests.support.sandbox_server import RunningSandbox


@pytest.mark.parametrize(
    ("status", "kind", "advice", "requests"),
    [
        (301, UnexpectedResponse, "Redirects are not followed", 1),
        (304, UnexpectedResponse, "Check the host of the connection some_account", 1),
        (400, DayRefused, "outside the vendor's window, or the request is malformed", 1),
        (401, AppRefused, "The App ID may belong to another account", 1),
        (403, AppRefused, "Check the App ID and its conn_id in the variable agora_apps", 1),
        (404, UnknownApp, "Check the App ID and its conn_id", 1),
        (418, UnexpectedResponse, "Check the host of the connection some_account", 1),
        (500, VendorUnavailable, "The next run tries again", 4),
        (502, VendorUnavailable, "The next run tries again", 4),
        (503, VendorUnavailable, "The next run tries again", 4),
        (599, VendorUnavailable, "The next run tries again", 4),
    ],
)
def test_a_status_raises_its_typed_error(
    sandbox: RunningSandbox, status: int, kind: type[VendorError], advice: str, requests: int
) -> None:
    sandbox.put_faults([{"kind": "status", "status": status, "body": {"message": "words of the vendor"}}])
    app_id, day = sandbox.app_ids[0], sandbox.today() - timedelta(days=1)

    with pytest.raises(VendorError) as raised:
        fetch_day_sync(account_of(sandbox), app_id, day)

    error = raised.value
    assert type(error) is kind
    assert str(error).startswith(
        f"App {app_id}, {day}, connection some_account: HTTP {status} from the vendor:"
    )
    assert advice in str(error)
    assert error.answer is not None
    assert error.answer.status == status
    if status != 304:  # a 304 has no body
        assert "words of the vendor" in str(error)
    assert sandbox.stats()["requests"] == requests


@pytest.mark.parametrize(
    "body",
    [{"error_msg": "the words"}, {"code": 300, "message": "the words", "data": None}, "<h1>the words</h1>"],
)
def test_the_vendors_message_is_shown_in_any_format(sandbox: RunningSandbox, body: Any) -> None:
    sandbox.put_faults([{"kind": "status", "status": 400, "body": body}])
    with pytest.raises(DayRefused, match="the words"):
        fetch_day_sync(account_of(sandbox), sandbox.app_ids[0], sandbox.today())


def test_the_error_distinguishes_credentials_from_app_credentials(sandbox: RunningSandbox) -> None:
    with pytest.raises(AppRefused, match="neither is the App ID or App Certificate") as raised:
        fetch_day_sync(account_of(sandbox, customer_certificate="wrong"), sandbox.app_ids[0], sandbox.today())
    assert "missing or wrong" in str(raised.value)
    assert sandbox.stats()["by_status"] == {"401": 1}


@pytest.mark.parametrize("status", [401, 403])
def test_a_401_for_one_app_does_not_stop_the_others(sandbox: RunningSandbox, status: int) -> None:
    foreign, *own = sandbox.app_ids
    day = sandbox.today() - timedelta(days=1)
    sandbox.put_faults([{"kind": "status", "status": status, "app_id": foreign}])

    async def one_after_the_other() -> list[int]:
        async with DashboardClient(account_of(sandbox)) as client:
            with pytest.raises(AppRefused, match=f"App {foreign}, "):
                await client.bandwidth(foreign, day)
            return [(await client.bandwidth(app_id, day)).status for app_id in own]

    assert asyncio.run(one_after_the_other()) == [200] * len(own)
    assert sandbox.stats()["by_status"] == {str(status): 1, "200": len(own)}


@pytest.mark.parametrize(("apps", "counted"), [(["a1"], "1 app "), (["a1", "b2"], "2 different apps ")])
def test_the_error_for_refused_credentials_states_the_app_count_and_the_fix(
    sandbox: RunningSandbox, apps: list[str], counted: str
) -> None:
    with pytest.raises(AppRefused) as raised:
        fetch_day_sync(account_of(sandbox, customer_certificate="wrong"), sandbox.app_ids[0], sandbox.today())

    error = credentials_refused(raised.value, apps)

    assert isinstance(error, CredentialsRefused)
    text = str(error)
    assert text.startswith(
        f"Connection some_account: the vendor refused the credentials for {counted}(HTTP 401"
    )
    assert raised.value.answer is not None
    assert raised.value.answer.message().rstrip(".") in text
    assert "Nothing further was requested" in text
    assert "login is the Customer ID and password the Customer Certificate" in text
    assert text.endswith("See docs/runbook.md#credentials-refused")
    assert (error.conn_id, error.answer) == ("some_account", raised.value.answer)


def test_an_app_of_another_account_is_unknown(sandbox: RunningSandbox) -> None:
    with pytest.raises(UnknownApp, match="no such App ID"):
        fetch_day_sync(account_of(sandbox), "f" * 32, sandbox.today() - timedelta(days=1))


def test_a_day_before_the_window_is_refused(sandbox: RunningSandbox) -> None:
    with pytest.raises(DayRefused, match="Only the last 1 month can be requested"):
        fetch_day_sync(account_of(sandbox), sandbox.app_ids[0], sandbox.today() - timedelta(days=40))


@pytest.mark.parametrize("status", [200, 201, 203])
def test_any_2xx_is_a_success(sandbox: RunningSandbox, status: int) -> None:
    sandbox.put_faults([{"kind": "status", "status": status, "body": "{}"}])
    response = fetch_day_sync(account_of(sandbox), sandbox.app_ids[0], sandbox.today())
    assert (response.status, response.body, response.fault) == (status, b"{}", "")


def test_a_day_has_the_points_of_the_sandbox(sandbox: RunningSandbox) -> None:
    app_id, day = sandbox.app_ids[1], sandbox.today() - timedelta(days=1)
    response = fetch_day_sync(account_of(sandbox), app_id, day)
    assert decode(response.body, day).tolist() == sandbox.points(app_id, day)
    assert response.fetched_at.tzinfo is not None
