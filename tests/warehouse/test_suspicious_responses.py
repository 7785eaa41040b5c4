"""agora.warehouse.suspicious_responses: drops are listed until reviewed, shared responses while new."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine

from agora.warehouse import suspicious_responses
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import App, AppDay, Warehouse

DAY = date(2025, 3, 3)
BUSY = [0.0] * 287 + [288.0]
RESTATE = """
insert into core.restatement (
    app_key, usage_date, restated_at, points_changed, points_added, old_collected_at, old_body_sha256,
    old_starts_at, new_starts_at, old_sum_kbps, new_sum_kbps
)
select app_key, %s, %s, 1, 0, now(), '', now(), now(), %s, %s from core.app where app_id = %s
"""


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


@pytest.fixture
def apps(warehouse: Warehouse) -> Warehouse:
    warehouse.add_account()
    warehouse.add_apps(App(app_id, DAY) for app_id in "abc")
    return warehouse


def notes(engine: Engine, since: datetime) -> list[str]:
    with engine.connect() as connection:
        return suspicious_responses.describe(connection, since)


def test_only_a_drop_by_more_than_half_is_named_until_it_is_reviewed(apps: Warehouse, engine: Engine) -> None:
    first, second = (datetime.now(UTC) - timedelta(hours=n) for n in (2, 1))
    apps.run(RESTATE, (DAY, first, 28_800, 14_399, "a"), "loader")
    apps.run(RESTATE, (DAY, first, 28_800, 14_400, "b"), "loader")
    apps.run(RESTATE, (DAY, first, None, None, "c"), "loader")
    apps.run(RESTATE, (DAY + timedelta(days=1), second, 28_800, 0, "b"), "loader")
    (note,) = notes(engine, datetime.now(UTC))
    assert "restated 2 app-days to less than half: Name of b on 2025-03-04 (mean of 0 kbps, was 100)" in note
    assert "Name of a on 2025-03-03 (mean of 50 kbps, was 100)" in note

    with engine.begin() as connection:
        suspicious_responses.review(connection, first, "somebody")
    (note,) = notes(engine, datetime.now(UTC))
    assert "restated 1 app-day" in note, "a drop after the review stays listed"
    assert apps.rows(
        "select reviewed_by, reviewed_at > %s as is_now from mart.restatement where is_drop"
        " order by restated_at",
        (first,),
        "analyst",
    ) == [
        {"reviewed_by": "somebody", "is_now": True},
        {"reviewed_by": None, "is_now": None},
    ]
    with engine.begin() as connection:
        suspicious_responses.review(connection, second, "another")
    assert notes(engine, datetime.now(UTC)) == []
    assert apps.rows("select reviewed_by from mart.restatement where app_id = 'a'") == [
        {"reviewed_by": "somebody"}
    ], "the first reviewer stays recorded"


def test_a_shared_response_body_is_named_for_days_collected_since_a_given_time(
    apps: Warehouse, engine: Engine
) -> None:
    apps.add_days([AppDay("a", DAY, BUSY), AppDay("b", DAY, BUSY), AppDay("c", DAY, [0.0] * 288)])
    apps.add_days(AppDay(app_id, DAY + timedelta(days=1), [0.0] * 288) for app_id in "abc")
    apps.run("update core.app_day set collected_at = now() - interval '1 hour'")
    (note,) = notes(engine, datetime.now(UTC) - timedelta(hours=2))
    assert "the same response body for several apps: Name of a, Name of b on 2025-03-03. " in note
    assert notes(engine, datetime.now(UTC)) == []
    # The second app of a pair may be collected one night later. The pair is new then.
    apps.run("update core.app_day set collected_at = now() + interval '1 minute' where app_key = 1")
    assert len(notes(engine, datetime.now(UTC))) == 1


def test_at_most_five_app_days_are_named(apps: Warehouse, engine: Engine) -> None:
    for n in range(7):
        apps.run(RESTATE, (DAY + timedelta(days=n), datetime.now(UTC), 28_800, 0, "a"), "loader")
    (note,) = notes(engine, datetime.now(UTC))
    assert note.count("Name of a") == 5
    assert "; and 2 more." in note
