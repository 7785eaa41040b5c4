"""Operations on the Coverage view's grid, and functions that create missing days."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Frame, Locator

from tests.stack.stack import LiveStack

COLLECTED_BY_RUN = 120_000  # milliseconds
CELLS = ".grid tbody td"


@contextmanager
def without(live: LiveStack, app_name: str, usage_date: str) -> Iterator[None]:
    """Delete an app-day, as if it had never been requested."""
    app_day = (
        f"usage_date = '{usage_date}' and app_key = (select app_key from core.app where name = '{app_name}')"
    )
    assert live.sql(f"delete from core.app_day where {app_day} returning points") == [(288,)]
    yield
    live.end_runs()


def cell(frame: Frame, app_name: str, usage_date: str) -> Locator:
    return frame.locator(f".grid td[data-day='{app_name} {usage_date}']")


def choose(day: Locator) -> None:
    """Select a day without opening its history."""
    day.click(modifiers=["ControlOrMeta"])


def collect(missing: Locator) -> None:
    """Select a missing day and collect it."""
    choose(missing)
    missing.page.frame_locator("iframe").get_by_role("button", name="Collect 1 missing").click()


@contextmanager
def paused(live: LiveStack) -> Iterator[None]:
    """Pause the backfill DAG, so that its runs stay queued."""
    set_paused(live, is_paused=True)
    try:
        yield
    finally:
        unpause(live)


def unpause(live: LiveStack) -> None:
    set_paused(live, is_paused=False)


def set_paused(live: LiveStack, *, is_paused: bool) -> None:
    live.call("PATCH", "/api/v2/dags/agora_bandwidth_backfill", {"is_paused": is_paused})
