"""The control endpoints: apps, counts, settings, and the requests that they refuse."""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest

from tests.sandbox.push_stream.channel_requests import push
from tests.support.sandbox_server import RunningSandbox

DAY = date(2026, 11, 20)


def test_lists_the_apps(sandbox: RunningSandbox) -> None:
    apps = sandbox.control("GET", "apps")
    assert [app["app_id"] for app in apps] == sandbox.app_ids
    assert all(re.fullmatch("[0-9a-f]{32}", app["app_id"]) for app in apps)
    assert apps[2]["name"] == "classroom-02"


def test_counts_only_requests_of_the_dashboard_api(sandbox: RunningSandbox) -> None:
    one, other = sandbox.app_ids[:2]
    requests: list[tuple[str, date | str]] = [
        (one, DAY),
        (one, DAY),
        (one, "x"),
        (other, DAY),
        ("unknown", DAY),
    ]
    for app_id, day in requests:
        sandbox.fetch(app_id, day)
    sandbox.request("GET", f"/dev/v2/apps/{one}/usages/bandwidth")
    sandbox.health()
    stats = sandbox.stats()
    assert stats["requests"] == 6
    assert stats["by_status"] == {"200": 3, "400": 1, "404": 1, "401": 1}
    assert stats["by_app"] == {one: {"200": 2, "400": 1, "401": 1}, other: {"200": 1}}
    assert stats["usage_dates"] == {one: {"2026-11-20": 2}, other: {"2026-11-20": 1}}
    first, last = (datetime.fromisoformat(stats[f"{which}_request_at"]) for which in ("first", "last"))
    assert first < last
    assert 1 <= stats["most_requests_within_one_second"] <= 6


def test_a_reset_sets_the_counts_to_zero(sandbox: RunningSandbox) -> None:
    sandbox.fetch(sandbox.app_ids[0], DAY)
    sandbox.reset_stats()
    stats = sandbox.stats()
    assert (stats["requests"], stats["by_app"], stats["first_request_at"]) == (0, {}, None)


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("rate-limit", {"per_second": -1}),
        ("rate-limit", {"per_second": "10"}),
        ("rate-limit", {"per_second": True}),
        ("rate-limit", {}),
        ("rate-limit", [1]),
        ("credentials", {"customer_id": "", "customer_certificate": "x"}),
        ("credentials", {"customer_id": "a:b", "customer_certificate": "x"}),
        ("credentials", {"customer_id": "a", "customer_certificate": 1}),
        ("credentials", {"customer_id": "a"}),
        ("clock", {"now": "noon"}),
        ("clock", {"now": 5}),
        ("clock", {"now": "0001-01-01T00:00:00+14:00"}),
        ("clock", {"now": "9999-12-31T23:59:59-12:00"}),
        ("faults", {}),
    ],
)
def test_refuses_an_invalid_body(sandbox: RunningSandbox, endpoint: str, body: object) -> None:
    reply = sandbox.request("PUT", f"/_sandbox/{endpoint}", body=b"{")
    assert reply.status == 400
    with pytest.raises(ValueError, match=r"\w\."):
        sandbox.control("PUT", endpoint, body)
    assert sandbox.fetch(sandbox.app_ids[0], DAY).status == 200


def test_has_no_other_endpoint_or_method(sandbox: RunningSandbox) -> None:
    assert sandbox.request("GET", "/_sandbox/secrets").status == 404
    assert sandbox.request("DELETE", "/_sandbox/faults").status == 405


def test_accepts_loopback_host_names_only(sandbox: RunningSandbox) -> None:
    assert sandbox.request("GET", "/_sandbox/stats", {"Host": "evil.example"}).status == 403


def test_a_reset_restores_the_state_at_the_start(sandbox: RunningSandbox) -> None:
    states = ("health", "stats", "channels", "open-states")
    before = {name: sandbox.control("GET", name) for name in states}
    app_id = sandbox.app_ids[0]
    sandbox.put_credentials("another", "certificate")
    sandbox.put_clock("2026-12-01T00:00:00Z")
    sandbox.put_rate_limit(1)
    sandbox.put_faults([{"kind": "disconnect"}])
    sandbox.put_open_states({app_id: True})
    sandbox.put_open_grants(False)
    push(sandbox, "POST")
    assert sandbox.fetch(app_id, DAY).status == 401
    sandbox.control("POST", "reset")
    after = {name: sandbox.control("GET", name) for name in states}
    assert {state["health"].pop("now")[:16] for state in (before, after)} == {"2026-11-22T12:02"}
    assert after == before
    assert sandbox.fetch(app_id, DAY).status == 200
