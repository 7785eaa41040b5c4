"""The clock fault: the `Date` header of successes, errors and truncated responses."""

from __future__ import annotations

import http.client
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.sandbox.push_stream.channel_requests import CNAME, push, send
from tests.support.sandbox_server import Reply, RunningSandbox

DAY = date(2026, 11, 20)
TOO_OLD = date(2000, 1, 1)


def seconds_ahead(reply: Reply) -> float:
    return (parsedate_to_datetime(reply.headers["date"]) - datetime.now(UTC)).total_seconds()


def test_without_a_clock_fault_the_date_is_real_time(sandbox: RunningSandbox) -> None:
    assert seconds_ahead(sandbox.fetch(sandbox.app_ids[0], DAY)) == pytest.approx(0, abs=30)


@pytest.mark.parametrize("seconds", [3600, -3600, 0.5, 31_622_400, -1_000_000_000, 3_000_000_000])
def test_the_date_is_ahead_or_behind(sandbox: RunningSandbox, seconds: float) -> None:
    truth = sandbox.fetch(sandbox.app_ids[0], DAY).body
    sandbox.put_faults([{"kind": "clock", "seconds": seconds}])
    reply = sandbox.fetch(sandbox.app_ids[0], DAY)
    assert (reply.status, reply.body) == (200, truth)
    assert seconds_ahead(reply) == pytest.approx(seconds, abs=30)
    assert reply.headers["date"].endswith(" GMT")


def test_null_removes_the_date(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "clock", "seconds": None}])
    reply = sandbox.fetch(sandbox.app_ids[0], DAY)
    assert reply.status == 200
    assert "date" not in reply.headers


def test_errors_have_the_scripted_clock(sandbox: RunningSandbox) -> None:
    one = sandbox.app_ids[0]
    path = f"/dev/v2/apps/{one}/usages/bandwidth"
    sandbox.put_faults(
        [
            {"kind": "clock", "seconds": 3600},
            {"kind": "status", "status": 503, "app": 1},
            {"kind": "foreign", "app": 2},
        ]
    )
    replies = {
        "window": sandbox.fetch(one, TOO_OLD),
        "date": sandbox.fetch(one, "x"),
        "unknown App ID": sandbox.fetch("unknown", DAY),
        "fault": sandbox.fetch(sandbox.app_ids[1], DAY),
        "foreign": sandbox.fetch(sandbox.app_ids[2], DAY),
        "credentials": sandbox.request("GET", path),
    }
    sandbox.put_rate_limit(0.001)
    sandbox.fetch(one, DAY)
    replies["rate limit"] = sandbox.fetch(one, DAY)
    assert [reply.status for reply in replies.values()] == [400, 400, 404, 503, 401, 401, 429]
    for name, reply in replies.items():
        assert seconds_ahead(reply) == pytest.approx(3600, abs=30), name


def test_a_truncated_response_has_the_scripted_clock(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "truncate", "bytes": 5}, {"kind": "clock", "seconds": 3600}])
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port, timeout=60)
    path = f"/dev/v2/apps/{sandbox.app_ids[0]}/usages/bandwidth?date=20261120"
    connection.request("GET", path, headers={"Authorization": sandbox.authorization})
    response = connection.getresponse()
    received = {name.lower(): value for name, value in response.getheaders()}
    assert seconds_ahead(Reply(response.status, received, b"")) == pytest.approx(3600, abs=30)
    with pytest.raises(http.client.IncompleteRead):
        response.read()
    connection.close()


def test_a_clock_applies_only_to_the_selected_requests(sandbox: RunningSandbox) -> None:
    one, other = sandbox.app_ids[:2]

    def are_ahead(*calls: tuple[str, date]) -> list[bool]:
        return [seconds_ahead(sandbox.fetch(*call)) > 1800 for call in calls]

    clock: dict[str, Any] = {"kind": "clock", "seconds": 3600}
    sandbox.put_faults([clock | {"app": 0}])
    assert are_ahead((one, DAY), (other, DAY)) == [True, False]
    sandbox.put_faults([clock | {"usage_date": "2026-11-20"}])
    assert are_ahead((one, DAY), (one, TOO_OLD)) == [True, False]
    sandbox.put_faults([clock | {"times": 1, "per": "app_day"}])
    assert are_ahead((one, DAY), (other, DAY), (one, DAY)) == [True, True, False]
    sandbox.put_faults([clock | {"rate": 0.5}])
    assert 5 <= sum(are_ahead(*[(one, DAY)] * 40)) <= 35


def test_the_first_of_two_clocks_applies(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "clock", "seconds": 7200, "app": 0}, {"kind": "clock", "seconds": 3600}])
    ahead = [seconds_ahead(sandbox.fetch(app_id, DAY)) for app_id in sandbox.app_ids[:2]]
    assert ahead == pytest.approx([7200, 3600], abs=30)


def test_each_endpoint_has_its_own_clock(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "clock", "seconds": 3600, "call": "channel", "app": 0}])
    assert seconds_ahead(push(sandbox, "POST")) == pytest.approx(3600, abs=30)
    assert seconds_ahead(push(sandbox, "POST")) == pytest.approx(3600, abs=30), "409"
    assert seconds_ahead(push(sandbox, "POST", app=1)) == pytest.approx(0, abs=30)
    assert seconds_ahead(sandbox.fetch(sandbox.app_ids[0], DAY)) == pytest.approx(0, abs=30)
    sandbox.put_faults([{"kind": "clock", "seconds": 3600, "call": "channel"}])
    refused = send(sandbox, "POST", {"cname": CNAME, "channelkey": "x"})
    assert refused.status == 401
    assert seconds_ahead(refused) == pytest.approx(3600, abs=30)
    sandbox.put_faults([{"kind": "clock", "seconds": 3600, "call": "open_state"}])
    path = f"/dev/v2/apps/{sandbox.app_ids[0]}/pushstream/openstate"
    for method in ("GET", "POST"):
        reply = sandbox.request(method, path, {"Authorization": sandbox.authorization})
        assert seconds_ahead(reply) == pytest.approx(3600, abs=30)


def test_the_sandboxs_own_endpoints_show_real_time(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "clock", "seconds": 3600}])
    assert seconds_ahead(sandbox.request("GET", "/_sandbox/health")) == pytest.approx(0, abs=30)
