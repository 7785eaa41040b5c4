"""The sandbox page: its contents, and that it loads no other resources."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from tests.sandbox.push_stream.channel_requests import push
from tests.support.sandbox_server import RunningSandbox

FOREIGN_APP_ID = "f0" * 16


def page(sandbox: RunningSandbox) -> str:
    return sandbox.request("GET", "/").body.decode()


def test_the_page_is_self_contained_and_shows_no_credentials(sandbox: RunningSandbox) -> None:
    reply = sandbox.request("GET", "/")
    text = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "Not the vendor." in text
    assert "prefers-color-scheme: dark" in text
    assert "/dev/v2/apps/{app_id}/usages/bandwidth" in text
    assert not re.search(r"<script|https?://|src=|@import|url\(", text)
    assert sandbox.customer_id not in text
    assert sandbox.customer_certificate not in text


def test_every_link_in_the_contents_has_a_target(sandbox: RunningSandbox) -> None:
    text = page(sandbox)
    targets = re.findall(r'href="#([^"]+)"', text)
    assert len(targets) > 8
    assert [target for target in targets if f'id="{target}"' not in text] == []


def test_the_page_shows_open_apps_and_channels(sandbox: RunningSandbox) -> None:
    closed = page(sandbox)
    assert "No channel is active." in closed
    assert ">open<" not in closed
    sandbox.put_open_states({sandbox.app_ids[0]: True})
    push(sandbox, "POST", "<b>lobby</b>", urls=["rtmp://a.example/<i>"])
    push(sandbox, "PUT", "<b>lobby</b>", uids=[6496936])
    push(sandbox, "DELETE")
    shown = page(sandbox)
    assert shown.count(">open<") == 1
    assert "&lt;b&gt;lobby&lt;/b&gt;" in shown
    assert "<code>rtmp://a.example/&lt;i&gt;</code>" in shown
    assert "6496936" in shown
    assert "Last refusal: 404." in shown


@pytest.mark.parametrize(
    ("fault", "effect", "scope"),
    [
        ({"kind": "status", "status": 503}, "Returns HTTP 503.", "Bandwidth requests for every app"),
        ({"kind": "disconnect", "app": 2}, "Closes the connection", "Bandwidth requests for classroom-02"),
        (
            {"kind": "delay", "seconds": 1.5, "call": "open_state", "method": "POST", "times": 2},
            "Delays the response by 1.5 s.",
            "The first 2 POST open-state requests for every app",
        ),
        (
            {"kind": "zeros", "rate": 0.3, "usage_date": "2026-11-01", "times": 1, "per": "app_day"},
            "Serves a point of 0",
            "The first 1 of a random 30 % of bandwidth requests for every app, usage date 2026-11-01, "
            "per app-day",
        ),
        (
            {"kind": "foreign", "app_id": FOREIGN_APP_ID},
            "Returns HTTP 401, as if",
            f"Bandwidth requests for {FOREIGN_APP_ID}",
        ),
        ({"kind": "clock", "seconds": -60}, "Sets the Date header 60 s behind real time.", ""),
        ({"kind": "clock", "seconds": None}, "Removes the Date header.", ""),
        ({"kind": "withhold", "slots": ["00:00", "13:35"]}, "Leaves out the points of 00:00, 13:35.", ""),
        ({"kind": "restate", "factor": 2}, "Multiplies the points by 2.", ""),
        ({"kind": "redirect", "location": "<b>"}, "Redirects to &lt;b&gt;.", ""),
    ],
)
def test_the_page_describes_an_active_fault(
    sandbox: RunningSandbox, fault: dict[str, Any], effect: str, scope: str
) -> None:
    assert "No fault is active." in page(sandbox)
    sandbox.put_faults([fault])
    row = re.search(rf"<tr><td>{re.escape(effect)}.*?</tr>", page(sandbox), re.DOTALL)
    assert row is not None
    assert f"<td>{scope}" in row[0]


def test_the_page_counts_the_requests_of_a_fault(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 503, "times": 2}])
    for _ in range(3):
        sandbox.fetch(sandbox.app_ids[0], date(2026, 11, 20))
    assert '<td class="number">2</td>' in page(sandbox)
