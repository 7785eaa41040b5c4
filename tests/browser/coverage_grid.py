"""Operations on the Coverage view's grid, and functions that create missing days."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Frame, Locator

from tests.stack.stack import LiveStack

COLLECTED_BY_RUN = 120_000  # milliseconds
CELLS = ".grid tbody td"
COLUMNS = """
select string_agg(column_name, ', ') from information_schema.columns
where table_schema = 'core' and table_name = 'app_day' and is_generated = 'NEVER'
"""


@contextmanager
def without(live: LiveStack, app_name: str, usage_date: str) -> Iterator[None]:
    """Delete an app-day, as if it had never been requested."""
    app_day = (
        f"usage_date = '{usage_date}' and app_key = (select app_key from core.app where name = '{app_name}')"
    )
    with restored(live, app_day):
        assert live.sql(f"delete from core.app_day where {app_day} returning points") == [(288,)]
        yield


@contextmanager
def restored(live: LiveStack, condition: str) -> Iterator[None]:
    """Restore the app-days that meet a condition, except those that a run has collected again."""
    ((columns, rows),) = live.sql(
        f"select ({COLUMNS}), json_agg(app_day)::text from core.app_day where {condition}"
    )
    escaped = rows.replace("'", "''")
    try:
        yield
    finally:
        live.end_runs()
        live.sql(f"delete from core.app_day where {condition} and state <> 'collected'")
        live.sql(
            f"insert into core.app_day ({columns}) select {columns}"
            f" from json_populate_recordset(null::core.app_day, '{escaped}') on conflict do nothing"
        )


def cell(frame: Frame, app_name: str, usage_date: str) -> Locator:
    return frame.locator(f".grid td[data-day='{app_name} {usage_date}']")


def choose(day: Locator) -> None:
    """Select a day without opening its history."""
    day.click(modifiers=["ControlOrMeta"])


def collect(frame: Frame, app_name: str, usage_date: str) -> Locator:
    """Select a missing day, collect it, and return its cell."""
    missing = cell(frame, app_name, usage_date)
    choose(missing)
    frame.get_by_role("button", name="Collect 1 missing").click()
    return missing


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
