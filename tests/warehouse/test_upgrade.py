"""Upgrading a warehouse from an earlier schema to the current one keeps its data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.migrations.schema_version import SQL
from agora.warehouse.push_stream_state import ReportedState, record
from agora.warehouse.stored_aggregates import refresh
from deploy.local.postgres_throwaway import Throwaway
from tests.warehouse.database import App, AppDay, Warehouse
from tests.warehouse.figures_check import compare_bills

TODAY = datetime.now(UTC).date()
FULL = [1.5] * 288
LEDGER = """
select
    app_key, usage_date, starts_at, state, points, kbps, attempts, http_status, reason, collected_at,
    body_sha256, top_kbps
from core.app_day order by app_key, usage_date
"""


@contextmanager
def warehouse_of_revision(postgres: Throwaway, revision: str) -> Iterator[Warehouse]:
    """Yield a warehouse with the tables of an earlier schema."""
    name = f"warehouse_{uuid4().hex}"
    postgres.create_database(name)
    engine = warehouse_engine(postgres.url("owner", name))
    with engine.execution_options(no_parameters=True).begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(SQL / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()
    yield Warehouse(postgres, name)
    postgres.drop_database(name)


@pytest.fixture
def first(postgres: Throwaway) -> Iterator[Warehouse]:
    """Yield a warehouse with the tables of the first schema."""
    with warehouse_of_revision(postgres, "0001") as warehouse:
        yield warehouse


@pytest.fixture
def second(postgres: Throwaway) -> Iterator[Warehouse]:
    """Yield a warehouse with the tables of the second schema, which has no stored figures."""
    with warehouse_of_revision(postgres, "0002") as warehouse:
        yield warehouse


@pytest.fixture
def fourth(postgres: Throwaway) -> Iterator[Warehouse]:
    """Yield a warehouse with the tables of the fourth schema, which has no push-streaming state."""
    with warehouse_of_revision(postgres, "0004") as warehouse:
        yield warehouse


@pytest.fixture
def fifth(postgres: Throwaway) -> Iterator[Warehouse]:
    """Yield a warehouse with the tables of the fifth schema, which has no core.entered_days."""
    with warehouse_of_revision(postgres, "0005") as warehouse:
        yield warehouse


def day(offset: int) -> date:
    return TODAY + timedelta(days=offset)


@pytest.mark.parametrize(
    ("wanted_from", "wanted_until", "expected"),
    [
        (day(-30), None, f"{{[{day(-30)},)}}"),
        (day(-30), day(-10), f"{{[{day(-30)},{day(-9)})}}"),
        (day(-30), day(-31), "{}"),
        (day(5), day(-1), "{}"),
    ],
    ids=["open", "ended", "ended before the window", "removed before it began"],
)
def test_expected_days_stay_expected(
    first: Warehouse, wanted_from: date, wanted_until: date | None, expected: str
) -> None:
    first.add_account()
    first.run(
        "insert into core.app (app_id, name, conn_id, wanted_from, wanted_until)"
        " values ('a', 'a', 'agora_dashboard', %s, %s)",
        (wanted_from, wanted_until),
    )
    migrate(first.url())
    assert first.rows("select wanted::text from core.app") == [{"wanted": expected}]


def test_points_and_ledger_are_unchanged(first: Warehouse) -> None:
    first.add_account()
    first.run(
        "insert into core.app (app_id, name, conn_id, wanted_from) values ('a', 'a', 'agora_dashboard', %s)",
        (day(-5),),
    )
    first.add_days([AppDay("a", day(-3), kbps=FULL), AppDay("a", day(-2), state="rejected")])
    first.add_raw("a", day(-3))
    before = first.rows(LEDGER)
    migrate(first.url())
    migrate(first.url())
    assert first.rows(LEDGER) == before
    states = first.rows("select state from mart.coverage order by usage_date")
    assert [row["state"] for row in states] == ["pending", "pending", "collected", "rejected", "pending"]


def test_bills_of_earlier_data_are_right_and_stored_by_the_next_refresh(second: Warehouse) -> None:
    second.add_account()
    second.add_apps([App("a", day(-40)), App("b", day(-3))])
    days = [AppDay("a", day(-n), kbps=[float(n)] * 288) for n in (1, 2, 3, 40)]
    second.add_days([*days, AppDay("b", day(-3), kbps=FULL), AppDay("b", day(-2), state="failed")])
    migrate(second.url())
    with second.connect() as connection:
        before = compare_bills(connection)
        engine = warehouse_engine(second.url("loader"))
        refresh(engine)
        engine.dispose()
        after = compare_bills(connection)
    assert (before.wrong, before.stored, before.noted) == ([], (0, 0), 5), "one note per app-day with points"
    assert (after.wrong, after.noted) == ([], 0)
    assert after.stored[1] == 4
    assert after.stored[0] == len({("a", day(-n).replace(day=1)) for n in (1, 2, 3, 40)}) + 1


def test_the_push_streaming_state_leaves_the_ledger_unchanged(fourth: Warehouse) -> None:
    fourth.add_account()
    fourth.add_apps([App("a", day(-5))])
    fourth.add_days([AppDay("a", day(-3), kbps=FULL), AppDay("a", day(-2), state="failed")])
    before = fourth.rows(LEDGER)
    migrate(fourth.url())
    engine = warehouse_engine(fourth.url("loader"))
    with engine.begin() as connection:
        assert record(connection, "agora_dashboard", [ReportedState("a", True, datetime.now(UTC))]) == 1
    engine.dispose()
    migrate(fourth.url())
    assert fourth.rows(LEDGER) == before
    assert fourth.rows("select app_name, enabled from mart.push_stream_state", role="analyst") == [
        {"app_name": "Name of a", "enabled": True}
    ]


def test_correct_figures_stay_stored_and_recorded_days_are_added(fifth: Warehouse) -> None:
    fifth.add_account()
    fifth.add_apps([App("a", day(-4)), App("b", day(-4))])
    days = [AppDay(app_id, day(-3), kbps=FULL) for app_id in "ab"]
    fifth.add_days([*days, AppDay("a", day(-2), state="failed")])
    fifth.run("delete from core.changed_app_day")
    fifth.run(
        "insert into core.month_p95 (app_key, month, p95_kbps, last_day)"
        " select app_key, date_trunc('month', usage_date::timestamp)::date, 1.5, usage_date"
        " from core.app_day where points > 0"
    )
    migrate(fifth.url())
    assert fifth.rows("select usage_date from core.changed_app_day") == [{"usage_date": day(-3)}]
    coverage = "select app_id, usage_date, state from mart.coverage order by app_id, usage_date"
    found = [(row["app_id"], row["state"]) for row in fifth.rows(coverage)]
    assert found == [
        *(("a", "pending"), ("a", "collected"), ("a", "failed"), ("a", "pending")),
        *(("b", "pending"), ("b", "collected"), ("b", "pending"), ("b", "pending")),
    ]
    with fifth.connect() as connection:
        before = compare_bills(connection)
        engine = warehouse_engine(fifth.url("loader"))
        refresh(engine)
        engine.dispose()
        after = compare_bills(connection)
    assert (before.wrong, before.stored, before.noted) == ([], (1, 0), 1)
    assert (after.wrong, after.stored, after.noted) == ([], (2, 1), 0)


def test_points_become_integers_where_they_fit(postgres: Throwaway) -> None:
    grids: dict[int, Sequence[float | None]] = {
        1: [float(slot) for slot in range(288)],
        2: FULL,
        3: [2.0**31 - 1] * 288,
        4: [2.0**31, *[5.0] * 287],
        5: [None, *[float(slot) for slot in range(287)]],
        6: [None, 0.25, *[float(slot) for slot in range(286)]],
        7: [None] * 288,
    }
    with warehouse_of_revision(postgres, "0011") as old:
        old.add_account()
        old.add_apps([App("a", TODAY - timedelta(days=9))])
        old.add_days(
            AppDay("a", TODAY - timedelta(days=age), grid, "partial" if None in grid else "collected")
            for age, grid in grids.items()
        )
        old.add_days([AppDay("a", TODAY - timedelta(days=8))])
        before = old.rows(LEDGER)
        migrate(old.url())
        assert old.rows(LEDGER) == before
        stored = old.rows(
            "select kbps_int4 is not null as as_int4, kbps_float8 is not null as as_float8, sum_kbps"
            " from core.app_day order by usage_date desc"
        )
    expected = [
        {
            "as_int4": age in (1, 3, 5, 7),
            "as_float8": age in (2, 4, 6),
            "sum_kbps": sum(rate for rate in grid if rate is not None) if any(grid) else None,
        }
        for age, grid in grids.items()
    ]
    assert stored == [*expected, {"as_int4": False, "as_float8": False, "sum_kbps": None}]
