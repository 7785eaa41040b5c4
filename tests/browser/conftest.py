"""Fixtures: a real stack with a collected month, and Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.chromium import QUIET, path_of_chromium
from tests.browser.visitor import Visitor
from tests.stack.stack import LiveStack, running_stack
from tests.support.midnight import FILE_DURATION, wait_past_midnight_and_nightly_run

# Airflow's pages need more than Playwright's five seconds on a small, busy machine.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def session_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """Yield Airflow with a month of 20 apps collected."""
    with running_stack(tmp_path_factory.mktemp("stack") / "local") as stack:
        yield stack


@pytest.fixture(scope="module")
def live(session_stack: LiveStack) -> LiveStack:
    """Return the stack with every day collected; a test that deletes a day restores it."""
    wait_past_midnight_and_nightly_run(FILE_DURATION)
    if session_stack.sql("select from mart.coverage where usage_date = current_date - 1 and points = 0"):
        session_stack.trigger("agora_bandwidth_daily")  # midnight has passed since the last file
    return session_stack


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Yield a headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path_of_chromium(), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visitor(live: LiveStack, chromium: Browser) -> Iterator[Visitor]:
    """Yield a visitor with the role admin, and fail on errors in the browser console."""
    with Visitor.logged_in(live, chromium) as visitor:
        yield visitor


@pytest.fixture
def dates(live: LiveStack) -> list[str]:
    """Return the usage dates of the window, oldest first."""
    return [day for (day,) in live.sql("select distinct usage_date::text from mart.coverage order by 1")]
