"""The page for people: what it says and shows, and that it loads nothing."""

from __future__ import annotations

import re

from tests.sandbox.pushing import push
from tests.support.sandbox_server import RunningSandbox


def test_the_page_says_what_it_is_and_loads_nothing(sandbox: RunningSandbox) -> None:
    reply = sandbox.request("GET", "/")
    page = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "Not the vendor." in page
    assert "prefers-color-scheme: dark" in page
    assert "/dev/v2/apps/{app_id}/usages/bandwidth" in page
    assert not re.search(r"<script|https?://|src=|@import|url\(", page)
    assert sandbox.customer_id not in page
    assert sandbox.customer_certificate not in page


def test_the_page_shows_what_is_open_and_what_is_pushed(sandbox: RunningSandbox) -> None:
    closed = sandbox.request("GET", "/").body.decode()
    assert "No channel is being pushed." in closed
    assert ">open<" not in closed
    sandbox.put_open_states({sandbox.app_ids[0]: True})
    push(sandbox, "POST", "<b>lobby</b>", urls=["rtmp://a.example/<i>"])
    push(sandbox, "PUT", "<b>lobby</b>", uids=[6496936])
    push(sandbox, "DELETE")
    shown = sandbox.request("GET", "/").body.decode()
    assert shown.count(">open<") == 1
    assert "&lt;b&gt;lobby&lt;/b&gt;" in shown
    assert "<code>rtmp://a.example/&lt;i&gt;</code>" in shown
    assert "6496936" in shown
    assert "Last refusal: 404. The app pushes no channel of this name." in shown
