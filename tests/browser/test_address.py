"""Airflow's URL contains the page's choices, so that reloads and links preserve them."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect

from tests.browser.visitor import Visitor


def test_choices_survive_a_reload(visitor: Visitor) -> None:
    visitor.go_to_in_airflow("coverage")
    visitor.switch_to("coverage?search=classroom")
    visitor.page.wait_for_url("**#coverage?search=classroom")
    visitor.page.reload()
    expect(visitor.frame.locator("input[type=search]")).to_have_value("classroom")


def test_an_expired_session_is_explained_and_can_be_retried(visitor: Visitor) -> None:
    frame = visitor.go_to("health")
    cookies: list[Any] = [*visitor.page.context.cookies()]
    visitor.page.context.clear_cookies()
    frame.get_by_role("tab", name="Bill").click()
    expect(frame.locator(".panel .error")).to_contain_text("session has expired")
    visitor.page.context.add_cookies(cookies)
    frame.get_by_role("button", name="Try again").click()
    frame.locator(".panel.bill table").first.wait_for()
    visitor.errors = [error for error in visitor.errors if "401" not in error]
