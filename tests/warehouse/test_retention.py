"""Retention deletes only data that the setting covers, that is old enough and that is final."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from agora.errors import SettingsError
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.retention import LEAST_DAYS, Retention, delete_older_than, parse_retention
from tests.warehouse.database import App, AppDay, Warehouse, days_between

TODAY = date.today()  # noqa: DTZ011 - the server's clock decides, in UTC like the tests' own clock
OLD = TODAY - timedelta(days=100)
FULL = [1.0] * 288


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


def stored_days(warehouse: Warehouse) -> set[tuple[str, date]]:
    rows = warehouse.rows("select app_id, usage_date from core.app_day join core.app using (app_key)")
    return {(row["app_id"], row["usage_date"]) for row in rows}


def stored_responses(warehouse: Warehouse) -> set[tuple[str, date]]:
    rows = warehouse.rows("select app_id, usage_date from raw.bandwidth_response")
    return {(row["app_id"], row["usage_date"]) for row in rows}


def fill(warehouse: Warehouse, states: dict[str, str], first: date = OLD) -> list[date]:
    """Add apps with a ledger in one state from the first day to yesterday, and one raw response per day."""
    warehouse.add_account()
    warehouse.add_apps([App(app_id, first) for app_id in states])
    days = days_between(first, TODAY - timedelta(days=1))
    warehouse.add_days(
        AppDay(app_id, day, kbps=FULL) if state == "collected" else AppDay(app_id, day, state=state)
        for app_id, state in states.items()
        for day in days
    )
    for app_id in states:
        for day in days:
            warehouse.add_raw(app_id, day)
    return days


def test_nothing_is_deleted_by_default(warehouse: Warehouse, engine: Engine) -> None:
    days = fill(warehouse, {"a": "collected"})
    assert delete_older_than(engine, Retention(), TODAY) == (0, 0)
    assert len(stored_days(warehouse)) == len(stored_responses(warehouse)) == len(days)


def test_raw_responses_are_deleted_and_their_points_stay(warehouse: Warehouse, engine: Engine) -> None:
    days = fill(warehouse, {"a": "collected"})
    points = warehouse.rows("select sum(kbps), count(*) from mart.bandwidth_5min")
    assert delete_older_than(engine, Retention(raw_answer_days=70), TODAY) == (30, 0)
    assert stored_responses(warehouse) == {("a", day) for day in days if day >= TODAY - timedelta(days=70)}
    assert warehouse.rows("select sum(kbps), count(*) from mart.bandwidth_5min") == points
    assert delete_older_than(engine, Retention(raw_answer_days=70), TODAY) == (0, 0)


@pytest.mark.parametrize("state", ["failed", "rejected"])
def test_raw_responses_of_days_that_are_not_final_stay(
    warehouse: Warehouse, engine: Engine, state: str
) -> None:
    fill(warehouse, {"a": "collected", "b": state})
    delete_older_than(engine, Retention(raw_answer_days=70), TODAY)
    deleted = {day for app_id, day in product_before(70) if app_id == "b"} - {
        day for app_id, day in stored_responses(warehouse) if app_id == "b"
    }
    assert deleted == set()
    assert not any(
        app_id == "a" and day < TODAY - timedelta(days=70) for app_id, day in stored_responses(warehouse)
    )


def product_before(age_days: int) -> set[tuple[str, date]]:
    return {
        (app_id, day) for app_id in "ab" for day in days_between(OLD, TODAY - timedelta(days=age_days + 1))
    }


def test_a_response_that_was_never_decoded_outlives_its_lost_day(
    warehouse: Warehouse, engine: Engine
) -> None:
    fill(warehouse, {"a": "failed"})
    warehouse.run("delete from core.app_day where usage_date = %s", (OLD + timedelta(days=1),))
    warehouse.run(
        "update raw.bandwidth_response set http_status = 400 where usage_date % 2 = 0".replace(
            "usage_date % 2", "extract(day from usage_date)::int % 2"
        )
    )
    delete_older_than(engine, Retention(raw_answer_days=70), TODAY)
    left = warehouse.rows(
        "select distinct http_status from raw.bandwidth_response where usage_date < current_date - 70"
    )
    assert left == [{"http_status": 200}]
    assert ("a", OLD + timedelta(days=1)) in stored_responses(warehouse) or (
        OLD + timedelta(days=1)
    ).day % 2 == 0


def test_a_response_that_was_never_decoded_stays_even_for_an_unexpected_day(
    warehouse: Warehouse, engine: Engine
) -> None:
    fill(warehouse, {"a": "rejected", "b": "failed"})
    warehouse.run("update core.app set wanted = '{}'")
    delete_older_than(engine, Retention(raw_answer_days=70), TODAY)
    left = {key for key in stored_responses(warehouse) if key[1] < TODAY - timedelta(days=70)}
    assert left == {key for key in product_before(70) if key[0] == "a"}


def test_app_days_are_deleted_with_their_bills_and_are_not_missing(
    warehouse: Warehouse, engine: Engine
) -> None:
    days = fill(warehouse, {"a": "collected", "b": "failed"})
    remaining = {day for day in days if day >= TODAY - timedelta(days=70)}
    assert delete_older_than(engine, Retention(app_day_days=70), TODAY) == (0, 60)
    assert stored_days(warehouse) == {(app_id, day) for app_id in "ab" for day in remaining}
    coverage = warehouse.rows("select app_id, usage_date, state from mart.coverage")
    assert {(row["app_id"], row["usage_date"]) for row in coverage} == stored_days(warehouse)
    assert {row["state"] for row in coverage} == {"collected", "failed", "lost"}


@pytest.mark.parametrize("state", ["failed", "rejected", None])
def test_an_app_with_a_day_that_is_not_final_is_left_alone(
    warehouse: Warehouse, engine: Engine, state: str | None
) -> None:
    """The day may still be available: it expired two days ago, which is within the margin."""
    fill(warehouse, {"a": "collected", "b": "collected"})
    warehouse.add_account(window="98 days", conn_id="long")
    warehouse.run("update core.app set conn_id = 'long' where app_id = 'b'")
    warehouse.run(
        "delete from core.app_day where usage_date = %s and app_key ="
        " (select app_key from core.app where app_id = 'b')",
        (OLD,),
    )
    if state is not None:
        warehouse.add_days([AppDay("b", OLD, state=state)])
    before = {day for app_id, day in stored_days(warehouse) if app_id == "b"}
    assert delete_older_than(engine, Retention(app_day_days=70), TODAY) == (0, 30)
    assert {day for app_id, day in stored_days(warehouse) if app_id == "b"} == before
    # One day later the day is lost, which is final. Then only days inside the window stay.
    warehouse.run("update core.vendor_account set window_length = '69 days' where conn_id = 'long'")
    assert delete_older_than(engine, Retention(app_day_days=70), TODAY) == (0, 29 + (state is not None))


def test_days_inside_a_long_window_stay(warehouse: Warehouse, engine: Engine) -> None:
    days = fill(warehouse, {"a": "collected"})
    warehouse.run("update core.vendor_account set window_length = interval '90 days'")
    assert delete_older_than(engine, Retention(raw_answer_days=70, app_day_days=70), TODAY) == (10, 0)
    assert len(stored_days(warehouse)) == len(days)


def test_the_sql_functions_delete_nothing_recent(warehouse: Warehouse) -> None:
    days = fill(warehouse, {"a": "collected"}, first=TODAY - timedelta(days=62))
    warehouse.run("update core.vendor_account set window_length = interval '1 day'")
    for day in days:
        warehouse.rows("select core.delete_raw_responses(%s)", (day,), role="loader")
    warehouse.rows("select core.delete_app_days(current_date - 10)", role="loader")
    assert len(stored_days(warehouse)) == len(stored_responses(warehouse)) == len(days)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[]", "valid dictionary"),
        ('{"raw": 100}', "raw"),
        ('{"raw_answer_days": 62}', "greater than or equal to 63"),
        ('{"app_day_days": "soon"}', "app_day_days"),
        ("{", "agora_retention"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_reason(value: str, message: str) -> None:
    with pytest.raises(SettingsError, match="The variable agora_retention is not usable") as error:
        parse_retention(value)
    assert message in str(error.value)


def test_the_setting_may_be_json_text_or_an_object() -> None:
    setting: dict[str, Any] = {"raw_answer_days": LEAST_DAYS}
    assert (
        parse_retention('{"raw_answer_days": 63}')
        == parse_retention(setting)
        == Retention(raw_answer_days=63)
    )
