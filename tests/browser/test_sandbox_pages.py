"""The sandbox's pages: the state fits one screen, and the reference sends requests to the sandbox only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser.test_looks import CONTRAST
from tests.browser.visitor import HIGH, WIDE, Visitor
from tests.support.sandbox_server import RunningSandbox, running_sandbox

BANDWIDTH = "/dev/v2/apps/{app_id}/usages/bandwidth"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        yield sandbox


def operation(visitor: Visitor, method: str, path: str) -> Locator:
    """Open an operation of the reference, and return its form."""
    form = visitor.page.locator(f"form[data-method={method}][data-path='{path}']")
    visitor.page.locator("details", has=form).locator("summary").click()
    return form


def send(form: Locator, response: str) -> None:
    form.get_by_role("button", name="Send request").click()
    expect(form.get_by_role("status")).to_contain_text(response)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_fit_with_enough_contrast(
    chromium: Browser, sandbox: RunningSandbox, theme: Literal["light", "dark"]
) -> None:
    yesterday = str(sandbox.today() - timedelta(days=1))
    sandbox.put_faults(
        [
            {"kind": "status", "status": 503, "app": 2, "usage_date": yesterday, "times": 2},
            {"kind": "withhold", "slots": ["00:00", "13:35"], "rate": 0.2, "times": 1, "per": "app_day"},
            {"kind": "foreign", "app": 7},
            {"kind": "disconnect", "call": "open_state", "method": "POST", "times": 1},
        ]
    )
    visitor = Visitor(chromium.new_page(color_scheme=theme), sandbox.root_url)
    for width in (900, WIDE):
        visitor.page.set_viewport_size({"width": width, "height": HIGH})
        for path in ("/reference", "/"):
            visitor.page.goto(sandbox.root_url + path)
            assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, width)
            assert visitor.page.evaluate(CONTRAST) == []
            visitor.take_picture(f"sandbox{path.replace('/', '_')}{theme}_{width}")
    assert visitor.page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "one screen"
    assert visitor.errors == []


def test_requests_can_be_tried(chromium: Browser, sandbox: RunningSandbox) -> None:
    visitor = Visitor(chromium.new_page(), sandbox.root_url)
    visitor.page.goto(sandbox.root_url + "/reference")
    bandwidth = operation(visitor, "GET", BANDWIDTH)
    send(bandwidth, "HTTP 401")
    visitor.page.get_by_label("Customer ID").fill(sandbox.customer_id)
    visitor.page.get_by_label("Customer Certificate").fill(sandbox.customer_certificate)
    send(bandwidth, '"unit":"kbps"')
    faults = operation(visitor, "PUT", "/_sandbox/faults")
    send(faults, '{"faults":1}')
    send(bandwidth, "HTTP 503")
    faults.get_by_label("JSON body").fill('[{"kind": "redirect", "location": "/elsewhere"}]')
    send(faults, "HTTP 200")
    send(bandwidth, "does not follow")
    faults.get_by_label("JSON body").fill('[{"kind": "truncate", "bytes": 10}]')
    send(faults, "HTTP 200")
    send(bandwidth, "closed the connection")
    faults.get_by_label("JSON body").fill("{")
    send(faults, "The body is not JSON.")
    assert visitor.page.url == sandbox.root_url + "/reference", "credentials are never put into an address"
    assert not [error for error in visitor.errors if not error.startswith("console: Failed to load resource")]


def test_the_browser_refuses_connections_to_other_servers(chromium: Browser, sandbox: RunningSandbox) -> None:
    page = chromium.new_page()
    page.goto(sandbox.root_url + "/reference")
    with running_sandbox(quiet=True) as other:
        attempt = (
            f"fetch('{other.root_url}/_sandbox/stats', {{mode: 'no-cors'}}).then(() => true, () => false)"
        )
        assert page.evaluate(attempt) is False
        assert page.evaluate("fetch('/_sandbox/stats').then(() => true, () => false)") is True
