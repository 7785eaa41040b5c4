"""What is chosen stands in Airflow's own address, so that a reload and a link keep it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import Visitor

PLACES = ("/plugin/bandwidth", "/dags/agora_bandwidth_daily/plugin/bandwidth_of_dag")


@pytest.mark.parametrize("path", PLACES)
def test_what_is_chosen_outlives_a_reload(visitor: Visitor, path: str) -> None:
    visitor.goes_to("coverage", path)
    visitor.turns_to("coverage?search=classroom")
    visitor.page.wait_for_url("**#coverage?search=classroom")
    visitor.page.reload()
    expect(visitor.frame.locator("input[type=search]")).to_have_value("classroom")


def test_a_login_that_ended_is_said_in_words_and_tried_again(visitor: Visitor) -> None:
    frame = visitor.goes_to("health")
    cookies: list[Any] = [*visitor.page.context.cookies()]
    visitor.page.context.clear_cookies()
    frame.get_by_role("tab", name="Bill").click()
    expect(frame.locator(".trouble")).to_contain_text("Your login has ended")
    visitor.page.context.add_cookies(cookies)
    frame.get_by_role("button", name="Try again").click()
    frame.locator(".panel.bill table").first.wait_for()
    visitor.troubles = [trouble for trouble in visitor.troubles if "401" not in trouble]
