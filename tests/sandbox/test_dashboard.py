"""The bandwidth endpoint as the vendor documents it: format, statuses, and the order of the checks."""

from __future__ import annotations

import base64
from datetime import date, timedelta

import pytest

from sandbox.traffic.slots import SLOT_LABELS
from tests.sandbox.in_process import sandbox_in_process
from tests.support.sandbox_server import RunningSandbox

DAY = date(2026, 11, 20)
PATH = "/dev/v2/apps/{}/usages/bandwidth?date={}"


def basic(customer_id: str, certificate: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{customer_id}:{certificate}".encode()).decode()}


def test_a_response_has_the_vendors_format(sandbox: RunningSandbox) -> None:
    reply = sandbox.fetch(sandbox.app_ids[0], "20261120")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    body = reply.json()
    assert list(body) == ["date", "unit", "value"]
    assert (body["date"], body["unit"]) == ("2026-11-20", "kbps")
    assert tuple(body["value"]) == SLOT_LABELS
    assert all(type(kbps) is int and kbps >= 0 for kbps in body["value"].values())


def test_serves_the_true_points(sandbox: RunningSandbox) -> None:
    for app_id in sandbox.app_ids:
        assert list(sandbox.fetch(app_id, DAY).json()["value"].values()) == sandbox.points(app_id, DAY)


def test_the_default_date_is_yesterday(sandbox: RunningSandbox) -> None:
    assert sandbox.fetch(sandbox.app_ids[0]).json()["date"] == "2026-11-21"


def test_today_has_the_slots_that_are_over(sandbox: RunningSandbox) -> None:
    today = date(2026, 11, 22)
    value = sandbox.fetch(sandbox.app_ids[0], today).json()["value"]
    assert list(value)[-1] == "11:55"
    assert list(value.values()) == sandbox.points(sandbox.app_ids[0], today)[:144]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-20",
        "2026112",
        "202611200",
        "20261131",
        "20260229",
        "00000101",
        "2026112a",
        "%2B2026112",
        "%2020261120",
        "%D9%A2%D9%A0%D9%A2%D9%A6%D9%A1%D9%A1%D9%A2%D9%A0",  # 20261120 in Arabic-Indic digits
        "20261120&date=20261119",
    ],
)
def test_refuses_a_malformed_date(sandbox: RunningSandbox, text: str) -> None:
    reply = sandbox.fetch(sandbox.app_ids[0], text)
    assert reply.status == 400
    assert reply.json()["message"].endswith(".")


def test_refuses_a_future_date(sandbox: RunningSandbox) -> None:
    assert sandbox.fetch(sandbox.app_ids[0], date(2026, 11, 23)).status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/dev/v2/apps/{known}/usages/bandwith?date=20261120"),
        ("GET", "/dev/v2/apps/{known}/usages/bandwidth/?date=20261120"),
        ("GET", "/dev/v2"),
        ("GET", "/anything"),
        ("POST", "/dev/v2/apps/{known}/usages/bandwidth?date=20261120"),
        ("GET", "/dev/v2/apps/ffffffffffffffffffffffffffffffff/usages/bandwidth?date=20261120"),
    ],
)
def test_an_unknown_path_method_or_app_gets_404(sandbox: RunningSandbox, method: str, path: str) -> None:
    known = path.format(known=sandbox.app_ids[0])
    reply = sandbox.request(method, known, {"Authorization": sandbox.authorization})
    assert reply.status == 404
    assert reply.json()["message"]


def test_app_ids_are_case_sensitive(sandbox: RunningSandbox) -> None:
    assert sandbox.fetch(sandbox.app_ids[0].upper(), DAY).status == 404


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Bearer {pair}",
        "Basic {pair}x",
        "Basic " + base64.b64encode(b"no-colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
    ],
)
@pytest.mark.parametrize("path", [PATH.format("{known}", "20261120"), PATH.format("x", "y"), "/dev/v2", "/x"])
def test_checks_the_credentials_first(sandbox: RunningSandbox, header: str | None, path: str) -> None:
    pair = sandbox.authorization.removeprefix("Basic ")
    headers = {} if header is None else {"Authorization": header.format(pair=pair)}
    reply = sandbox.request("GET", path.format(known=sandbox.app_ids[0]), headers)
    assert reply.status == 401
    assert reply.headers["www-authenticate"].startswith("Basic ")
    assert reply.json()["message"]


def test_needs_both_parts_of_the_credentials(sandbox: RunningSandbox) -> None:
    path = PATH.format(sandbox.app_ids[0], "20261120")
    half = [(sandbox.customer_id, "x"), ("x", sandbox.customer_certificate), (sandbox.customer_id, "")]
    assert {sandbox.request("GET", path, basic(*pair)).status for pair in half} == {401}
    assert (
        sandbox.request("GET", path, basic(sandbox.customer_id, sandbox.customer_certificate)).status == 200
    )


def test_credentials_can_be_replaced(sandbox: RunningSandbox) -> None:
    path = PATH.format(sandbox.app_ids[0], "20261120")
    sandbox.put_credentials("another", "with:colon and ü")
    assert sandbox.fetch(sandbox.app_ids[0], DAY).status == 401
    assert sandbox.request("GET", path, basic("another", "with:colon and ü")).status == 200


def test_checks_the_rate_limit_before_the_path(sandbox: RunningSandbox) -> None:
    sandbox.put_rate_limit(0.001)
    assert sandbox.fetch("no-such-app", "no-such-date").status == 404
    assert sandbox.fetch("no-such-app", "no-such-date").status == 429


def test_checks_the_app_before_the_date(sandbox: RunningSandbox) -> None:
    assert sandbox.fetch("no-such-app", "no-such-date").status == 404


@pytest.mark.parametrize("retry_after", [None, 3])
def test_requests_above_the_rate_limit_get_429(retry_after: int | None) -> None:
    # One request per 1,000 seconds, so that the outcome does not depend on the speed of the test.
    with sandbox_in_process(rate_limit_per_second=0.001, retry_after_seconds=retry_after) as sandbox:
        app_id = sandbox.app_ids[0]
        yesterday = sandbox.today() - timedelta(days=1)
        wrong = sandbox.request("GET", PATH.format(app_id, "20261120"), basic("x", "y"))
        replies = [sandbox.fetch(app_id, yesterday) for _ in range(3)]
    assert wrong.status == 401
    assert [reply.status for reply in replies] == [200, 429, 429]
    assert replies[1].json()["message"]
    expected = None if retry_after is None else str(retry_after)
    assert replies[1].headers.get("retry-after") == expected
