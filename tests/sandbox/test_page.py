"""The sandbox's pages: their contents, and that they load no other resources."""

from __future__ import annotations

import re
from base64 import b64encode
from datetime import date
from hashlib import sha256
from typing import Any

import pytest

from sandbox.openapi.components import EXAMPLE_APP_ID
from sandbox.openapi.document import describe
from tests.sandbox.push_stream.channel_requests import push
from tests.support.sandbox_server import RunningSandbox

FOREIGN_APP_ID = "f0" * 16


def page(sandbox: RunningSandbox) -> str:
    return sandbox.request("GET", "/").body.decode()


@pytest.mark.parametrize("path", ["/", "/reference"])
def test_a_page_is_self_contained_and_shows_no_credentials(sandbox: RunningSandbox, path: str) -> None:
    reply = sandbox.request("GET", path)
    text = reply.body.decode()
    assert reply.headers["content-type"].startswith("text/html")
    assert "Not the vendor." in text
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"https?://|src=|@import|url\(|<link", text)
    assert sandbox.customer_id not in text
    assert sandbox.customer_certificate not in text


def test_a_page_runs_only_its_own_script_and_connects_only_to_the_sandbox(sandbox: RunningSandbox) -> None:
    reply = sandbox.request("GET", "/reference")
    (script,) = re.findall(r"<script>(.*?)</script>", reply.body.decode(), re.DOTALL)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in reply.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "script-src": f"'sha256-{digest}'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert "<script" not in page(sandbox)


def test_every_link_in_the_contents_has_a_target(sandbox: RunningSandbox) -> None:
    texts = {path: sandbox.request("GET", path).body.decode() for path in ("/", "/reference")}
    links = {link for text in texts.values() for link in re.findall(r'href="(/[^"]*)"', text)}
    targets = [link.split("#") for link in links if "#" in link]
    assert len(targets) > 7
    assert [target for path, target in targets if f'id="{target}"' not in texts[path]] == []


def test_every_operation_has_a_form(sandbox: RunningSandbox) -> None:
    text = sandbox.request("GET", "/reference").body.decode()
    forms = set(re.findall(r'<form data-method="(\w+)" data-path="([^"]+)"', text))
    operations = {(m.upper(), path) for path, methods in describe()["paths"].items() for m in methods}
    assert forms == operations
    assert f'value="{sandbox.app_ids[0]}"' in text, "the first app can be requested at once"
    assert EXAMPLE_APP_ID not in "".join(re.findall(r"<textarea.*?</textarea>", text, re.DOTALL))


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
    ("fault", "subject", "sentence"),
    [
        (
            {"kind": "status", "status": 503},
            "Every app, every day",
            "For every bandwidth request, the sandbox returns HTTP 503.",
        ),
        (
            {"kind": "disconnect", "app": 2, "times": 1},
            "classroom-02, every day",
            "For the first bandwidth request, the sandbox closes the connection",
        ),
        (
            {"kind": "delay", "seconds": 1.5, "call": "open_state", "method": "POST", "times": 2},
            "Every app",
            "For the first 2 POST open-state requests, the sandbox delays the response by 1.5 s.",
        ),
        (
            {"kind": "zeros", "rate": 0.3, "usage_date": "2026-11-01", "times": 1, "per": "app_day"},
            "Every app, 2026-11-01",
            "For the first of a random 30 % of bandwidth requests per app-day, the sandbox serves a",
        ),
        (
            {"kind": "foreign", "app_id": FOREIGN_APP_ID},
            f"{FOREIGN_APP_ID}, every day",
            "For every bandwidth request, the sandbox returns HTTP 401, as if",
        ),
        ({"kind": "clock", "seconds": -60}, "", "sets the Date header 60 s behind real time."),
        ({"kind": "clock", "seconds": None}, "", "removes the Date header."),
        ({"kind": "withhold", "slots": ["00:00", "13:35"]}, "", "leaves out the points of 00:00, 13:35."),
        ({"kind": "restate", "factor": 2, "rate": 0.5}, "", "For a random 50 % of bandwidth requests, the"),
        ({"kind": "redirect", "location": "<b>"}, "", "redirects to &lt;b&gt;."),
    ],
)
def test_the_page_describes_an_active_fault(
    sandbox: RunningSandbox, fault: dict[str, Any], subject: str, sentence: str
) -> None:
    assert "No fault is active." in page(sandbox)
    sandbox.put_faults([fault])
    shown = re.search(r"<p><strong>(.*?):</strong> (.*?)\n", page(sandbox))
    assert shown is not None
    assert subject in shown[1]
    assert sentence in shown[2]


def test_the_page_counts_the_requests_of_a_fault(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 503, "times": 2}])
    for _ in range(3):
        sandbox.fetch(sandbox.app_ids[0], date(2026, 11, 20))
    assert "Applied: 2." in page(sandbox)
