"""Every status becomes its typed error, which names app, day, connection and the vendor's words."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from agora.bandwidth.payload import decode
from agora.errors import (
    CredentialsRefused,
    DayRefused,
    RateLimited,
    UnexpectedAnswer,
    UnknownApp,
    VendorError,
    VendorUnavailable,
)
from agora.vendor.dashboard import DashboardClient
from sandbox.testing import RunningSandbox
from tests.vendor.asking import account_of, ask


@pytest.mark.parametrize(
    ("status", "kind", "advice", "requests"),
    [
        (301, UnexpectedAnswer, "redirects are not followed", 1),
        (304, UnexpectedAnswer, "Check host of the connection some_account", 1),
        (400, DayRefused, "outside the vendor's window, or the request is malformed", 1),
        (401, CredentialsRefused, "Mend the connection some_account", 1),
        (403, UnexpectedAnswer, "Check host of the connection some_account", 1),
        (404, UnknownApp, "Check the App ID in the variable agora_apps", 1),
        (418, UnexpectedAnswer, "Check host of the connection some_account", 1),
        (429, RateLimited, "Lower requests_per_second of the connection some_account", 9),
        (500, VendorUnavailable, "asked again by the next run", 4),
        (502, VendorUnavailable, "asked again by the next run", 4),
        (503, VendorUnavailable, "asked again by the next run", 4),
        (599, VendorUnavailable, "asked again by the next run", 4),
    ],
)
def test_a_status_is_a_typed_error(
    sandbox: RunningSandbox, status: int, kind: type[VendorError], advice: str, requests: int
) -> None:
    sandbox.put_faults([{"kind": "status", "status": status, "body": {"message": "words of the vendor"}}])
    app_id, day = sandbox.app_ids[0], sandbox.today() - timedelta(days=1)

    with pytest.raises(VendorError) as raised:
        ask(account_of(sandbox), app_id, day)

    error = raised.value
    assert type(error) is kind
    assert str(error).startswith(
        f"App {app_id}, {day}, connection some_account: HTTP {status}, the vendor says:"
    )
    assert advice in str(error)
    assert error.answer is not None
    assert error.answer.status == status
    if status != 304:  # which has no body
        assert "words of the vendor" in str(error)
    assert sandbox.stats()["requests"] == requests


@pytest.mark.parametrize(
    "body",
    [{"error_msg": "the words"}, {"code": 300, "message": "the words", "data": None}, "<h1>the words</h1>"],
)
def test_the_vendors_words_are_shown_whatever_their_shape(sandbox: RunningSandbox, body: Any) -> None:
    sandbox.put_faults([{"kind": "status", "status": 400, "body": body}])
    with pytest.raises(DayRefused, match="the words"):
        ask(account_of(sandbox), sandbox.app_ids[0], sandbox.today())


def test_wrong_credentials_are_told_apart_from_app_credentials(sandbox: RunningSandbox) -> None:
    with pytest.raises(CredentialsRefused, match="neither is the App ID or App Certificate") as raised:
        ask(account_of(sandbox, customer_certificate="wrong"), sandbox.app_ids[0], sandbox.today())
    assert "missing or wrong" in str(raised.value)
    assert sandbox.stats()["by_status"] == {"401": 1}


def test_after_a_401_nothing_more_is_sent(sandbox: RunningSandbox) -> None:
    async def one_after_the_other() -> None:
        async with DashboardClient(account_of(sandbox, customer_certificate="wrong")) as client:
            for app_id in sandbox.app_ids:
                with pytest.raises(CredentialsRefused, match=app_id):
                    await client.bandwidth(app_id, sandbox.today())

    asyncio.run(one_after_the_other())
    assert sandbox.stats()["requests"] == 1


def test_an_app_of_another_account_is_unknown(sandbox: RunningSandbox) -> None:
    with pytest.raises(UnknownApp, match="no such App ID"):
        ask(account_of(sandbox), "f" * 32, sandbox.today() - timedelta(days=1))


def test_a_day_before_the_window_is_refused(sandbox: RunningSandbox) -> None:
    with pytest.raises(DayRefused, match="Only the last 1 month can be asked for"):
        ask(account_of(sandbox), sandbox.app_ids[0], sandbox.today() - timedelta(days=40))


@pytest.mark.parametrize("status", [200, 201, 203])
def test_any_2xx_is_an_answer(sandbox: RunningSandbox, status: int) -> None:
    sandbox.put_faults([{"kind": "status", "status": status, "body": "{}"}])
    answer = ask(account_of(sandbox), sandbox.app_ids[0], sandbox.today())
    assert (answer.status, answer.body, answer.fault) == (status, b"{}", "")


def test_a_day_arrives_as_the_sandbox_has_it(sandbox: RunningSandbox) -> None:
    app_id, day = sandbox.app_ids[1], sandbox.today() - timedelta(days=1)
    answer = ask(account_of(sandbox), app_id, day)
    assert decode(answer.body, day).tolist() == sandbox.points(app_id, day)
    assert answer.fetched_at.tzinfo is not None
