"""What retention drops: only what was asked for, old enough, and final."""

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

TODAY = date.today()  # noqa: DTZ011 - the server's clock decides, in UTC like the tests'
OLD = TODAY - timedelta(days=100)
FULL = [1.0] * 288


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


def held(warehouse: Warehouse) -> set[tuple[str, date]]:
    rows = warehouse.rows("select app_id, usage_date from core.app_day join core.app using (app_key)")
    return {(row["app_id"], row["usage_date"]) for row in rows}


def answers(warehouse: Warehouse) -> set[tuple[str, date]]:
    rows = warehouse.rows("select app_id, usage_date from raw.bandwidth_response")
    return {(row["app_id"], row["usage_date"]) for row in rows}


def filled(warehouse: Warehouse, states: dict[str, str], first: date = OLD) -> list[date]:
    """Give each app a ledger of its own state from the first day until yesterday, with a raw answer a day."""
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


def test_nothing_is_dropped_unless_asked_for(warehouse: Warehouse, engine: Engine) -> None:
    days = filled(warehouse, {"a": "collected"})
    assert delete_older_than(engine, Retention(), TODAY) == (0, 0)
    assert len(held(warehouse)) == len(answers(warehouse)) == len(days)


def test_raw_answers_go_and_their_points_stay(warehouse: Warehouse, engine: Engine) -> None:
    days = filled(warehouse, {"a": "collected"})
    points = warehouse.rows("select sum(kbps), count(*) from mart.bandwidth_5min")
    assert delete_older_than(engine, Retention(raw_answer_days=70), TODAY) == (30, 0)
    assert answers(warehouse) == {("a", day) for day in days if day >= TODAY - timedelta(days=70)}
    assert warehouse.rows("select sum(kbps), count(*) from mart.bandwidth_5min") == points
    assert delete_older_than(engine, Retention(raw_answer_days=70), TODAY) == (0, 0)


@pytest.mark.parametrize("state", ["failed", "rejected"])
def test_raw_answers_of_days_that_are_not_final_stay(
    warehouse: Warehouse, engine: Engine, state: str
) -> None:
    filled(warehouse, {"a": "collected", "b": state})
    delete_older_than(engine, Retention(raw_answer_days=70), TODAY)
    gone = {day for app_id, day in product_before(70) if app_id == "b"} - {
        day for app_id, day in answers(warehouse) if app_id == "b"
    }
    assert gone == set()
    assert not any(app_id == "a" and day < TODAY - timedelta(days=70) for app_id, day in answers(warehouse))


def product_before(age_days: int) -> set[tuple[str, date]]:
    return {
        (app_id, day) for app_id in "ab" for day in days_between(OLD, TODAY - timedelta(days=age_days + 1))
    }


def test_an_answer_that_was_never_read_outlives_its_lost_day(warehouse: Warehouse, engine: Engine) -> None:
    filled(warehouse, {"a": "failed"})
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
    assert ("a", OLD + timedelta(days=1)) in answers(warehouse) or (OLD + timedelta(days=1)).day % 2 == 0


def test_an_answer_that_was_never_read_stays_though_nobody_expects_its_day(
    warehouse: Warehouse, engine: Engine
) -> None:
    filled(warehouse, {"a": "rejected", "b": "failed"})
    warehouse.run("update core.app set wanted = '{}'")
    delete_older_than(engine, Retention(raw_answer_days=70), TODAY)
    left = {key for key in answers(warehouse) if key[1] < TODAY - timedelta(days=70)}
    assert left == {key for key in product_before(70) if key[0] == "a"}


def test_app_days_go_with_their_bills_and_are_not_missed(warehouse: Warehouse, engine: Engine) -> None:
    days = filled(warehouse, {"a": "collected", "b": "failed"})
    kept = {day for day in days if day >= TODAY - timedelta(days=70)}
    assert delete_older_than(engine, Retention(app_day_days=70), TODAY) == (0, 60)
    assert held(warehouse) == {(app_id, day) for app_id in "ab" for day in kept}
    coverage = warehouse.rows("select app_id, usage_date, state from mart.coverage")
    assert {(row["app_id"], row["usage_date"]) for row in coverage} == held(warehouse)
    assert {row["state"] for row in coverage} == {"collected", "failed", "lost"}


@pytest.mark.parametrize("state", ["failed", "rejected", None])
def test_an_app_with_a_day_that_is_not_final_is_left_alone(
    warehouse: Warehouse, engine: Engine, state: str | None
) -> None:
    """The day may still be had: by the calendar it expired two days ago, which is the margin."""
    filled(warehouse, {"a": "collected", "b": "collected"})
    warehouse.add_account(window="98 days", conn_id="long")
    warehouse.run("update core.app set conn_id = 'long' where app_id = 'b'")
    warehouse.run(
        "delete from core.app_day where usage_date = %s and app_key ="
        " (select app_key from core.app where app_id = 'b')",
        (OLD,),
    )
    if state is not None:
        warehouse.add_days([AppDay("b", OLD, state=state)])
    before = {day for app_id, day in held(warehouse) if app_id == "b"}
    assert delete_older_than(engine, Retention(app_day_days=70), TODAY) == (0, 30)
    assert {day for app_id, day in held(warehouse) if app_id == "b"} == before
    # A day later the day is lost, which is final; now the window alone keeps what it shows.
    warehouse.run("update core.vendor_account set window_length = '69 days' where conn_id = 'long'")
    assert delete_older_than(engine, Retention(app_day_days=70), TODAY) == (0, 29 + (state is not None))


def test_a_long_window_keeps_what_the_vendor_still_shows(warehouse: Warehouse, engine: Engine) -> None:
    days = filled(warehouse, {"a": "collected"})
    warehouse.run("update core.vendor_account set window_length = interval '90 days'")
    assert delete_older_than(engine, Retention(raw_answer_days=70, app_day_days=70), TODAY) == (10, 0)
    assert len(held(warehouse)) == len(days)


def test_the_functions_drop_nothing_young_whoever_calls_them(warehouse: Warehouse) -> None:
    days = filled(warehouse, {"a": "collected"}, first=TODAY - timedelta(days=62))
    warehouse.run("update core.vendor_account set window_length = interval '1 day'")
    for day in days:
        warehouse.rows("select core.delete_raw_responses(%s)", (day,), role="loader")
    warehouse.rows("select core.delete_app_days(current_date - 10)", role="loader")
    assert len(held(warehouse)) == len(answers(warehouse)) == len(days)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("[]", "valid dictionary"),
        ('{"raw": 100}', "raw"),
        ('{"raw_answer_days": 62}', "greater than or equal to 63"),
        ('{"app_day_days": "soon"}', "app_day_days"),
        ("{", "agora_retention"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_reason(value: str, said: str) -> None:
    with pytest.raises(SettingsError, match="The variable agora_retention is not usable") as error:
        parse_retention(value)
    assert said in str(error.value)


def test_the_setting_may_be_json_or_what_json_means() -> None:
    wanted: dict[str, Any] = {"raw_answer_days": LEAST_DAYS}
    assert (
        parse_retention('{"raw_answer_days": 63}') == parse_retention(wanted) == Retention(raw_answer_days=63)
    )
