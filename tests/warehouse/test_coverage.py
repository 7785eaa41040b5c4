"""core.app_day_state and mart.coverage: which app-days are expected, and how long they are available."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

import pytest

from tests.warehouse.database import App, AppDay, Warehouse, days_between

ZEROS = [0.0] * 288
MONDAY = date(2025, 3, 3)


def first_day_in_window(on: date, window: str) -> date:
    """Return the oldest usage date inside the window on a given date."""
    if window != "1 month":
        return on - timedelta(days=int(window.split()[0]))
    year, month = (on.year, on.month - 1) if on.month > 1 else (on.year - 1, 12)
    return date(year, month, min(on.day, calendar.monthrange(year, month)[1]))


def last_day_in_window(usage_date: date, window: str) -> date:
    """Return the last date on which a usage date is inside the window."""
    return max(
        on
        for on in days_between(usage_date, usage_date + timedelta(days=40))
        if first_day_in_window(on, window) <= usage_date
    )


def today_of(warehouse: Warehouse, timezone: str = "UTC") -> date:
    (row,) = warehouse.rows("select (now() at time zone %s)::date as today", (timezone,))
    return date.fromisoformat(str(row["today"]))


@pytest.mark.parametrize("window", ["1 month", "28 days", "30 days", "31 days"])
def test_expires_on_is_the_last_day_inside_the_window(warehouse: Warehouse, window: str) -> None:
    first, last = (
        date(2019, 12, 25),
        date(2025, 1, 10),
    )  # two leap years, and neighbouring months of every length
    warehouse.add_account(window=window)
    warehouse.add_apps([App("not requested", first, last), App("requested", first, last)])
    warehouse.add_days(AppDay("requested", day) for day in days_between(first, last))
    rows = warehouse.rows("select usage_date, expires_on, days_left, state from mart.coverage")
    today = today_of(warehouse)
    assert len(rows) == 2 * len(days_between(first, last))
    expected = {day: last_day_in_window(day, window) for day in days_between(first, last)}
    assert not [row for row in rows if row["expires_on"] != expected[row["usage_date"]]]
    assert {(row["expires_on"] - today).days - row["days_left"] for row in rows} <= {0, -1}  # midnight


def test_a_window_of_one_month_is_clipped_in_short_months() -> None:
    assert last_day_in_window(date(2025, 2, 28), "1 month") == date(2025, 3, 31)
    assert last_day_in_window(date(2024, 2, 28), "1 month") == date(2024, 3, 28)
    assert last_day_in_window(date(2025, 1, 31), "1 month") == date(2025, 2, 28)


def test_expected_days_are_pending_without_a_ledger_row(warehouse: Warehouse) -> None:
    warehouse.add_account()
    today = today_of(warehouse)
    warehouse.add_apps([App("a", today - timedelta(days=3))])
    rows = warehouse.rows("select * from mart.coverage order by usage_date", role="analyst")
    assert [row["usage_date"] for row in rows][:3] == [today - timedelta(days=n) for n in (3, 2, 1)]
    assert {(row["app_id"], row["state"], row["points"], row["attempts"], row["reason"]) for row in rows} == {
        ("a", "pending", 0, 0, "not requested yet")
    }


def test_each_day_names_its_app_and_account(warehouse: Warehouse) -> None:
    for app_id, conn_id in (("a", "one"), ("b", "two")):
        warehouse.add_account(conn_id=conn_id)
        warehouse.add_apps([App(app_id, MONDAY, MONDAY, conn_id)])
    warehouse.add_days([AppDay("b", MONDAY, ZEROS)])
    rows = warehouse.rows(
        "select app_id, app_name, conn_id from mart.coverage order by app_id", role="analyst"
    )
    assert [tuple(row.values()) for row in rows] == [("a", "Name of a", "one"), ("b", "Name of b", "two")]


def test_yesterday_depends_on_the_accounts_time_zone(warehouse: Warehouse) -> None:
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):  # 26 hours apart: never the same date
        warehouse.add_account(zone, conn_id=zone)
        warehouse.add_apps([App(zone.lower(), today_of(warehouse) - timedelta(days=5), conn_id=zone)])
    rows = warehouse.rows(
        "select conn_id, today, max(usage_date) as last from core.app_day_state group by conn_id, today"
        " order by today"
    )
    assert [row["conn_id"] for row in rows] == ["Etc/GMT+12", "Pacific/Kiritimati"]
    assert rows[0]["today"] < rows[1]["today"]
    assert {row["today"] - row["last"] for row in rows} == {timedelta(days=1)}


@pytest.mark.parametrize(
    ("expected_from", "expected_until", "expected"),
    [
        (MONDAY, MONDAY, [MONDAY]),
        (MONDAY, MONDAY + timedelta(days=2), days_between(MONDAY, MONDAY + timedelta(days=2))),
        (MONDAY, MONDAY - timedelta(days=1), []),
        (date(2999, 1, 1), None, []),
    ],
)
def test_days_are_expected_until_the_last_configured_day(
    warehouse: Warehouse, expected_from: date, expected_until: date | None, expected: list[date]
) -> None:
    warehouse.add_account()
    warehouse.add_apps([App("a", expected_from, expected_until)])
    rows = warehouse.rows("select usage_date from mart.coverage order by usage_date")
    assert [row["usage_date"] for row in rows] == expected


@pytest.mark.parametrize("window", ["1 month", "30 days"])
@pytest.mark.parametrize("recorded", [None, "failed", "rejected"])
def test_an_expected_day_is_lost_two_days_after_it_expired(
    warehouse: Warehouse, window: str, recorded: str | None
) -> None:
    """The two days are a margin, because the vendor's calendar may differ slightly."""
    warehouse.add_account(window=window)
    today = today_of(warehouse)
    first, last = today - timedelta(days=50), today - timedelta(days=1)
    warehouse.add_apps([App("a", first)])
    if recorded:
        warehouse.add_days(AppDay("a", day, state=recorded) for day in days_between(first, last))
    rows = warehouse.rows("select usage_date, state from mart.coverage order by usage_date")
    assert [row["usage_date"] for row in rows] == days_between(first, last)
    for row in rows:
        is_lost = last_day_in_window(row["usage_date"], window) + timedelta(days=2) < today
        assert row["state"] == ("lost" if is_lost else recorded or "pending"), row["usage_date"]


def test_no_state_is_terminal(warehouse: Warehouse) -> None:
    """A lost day's state changes as soon as its facts change."""
    warehouse.add_account(window="30 days")
    day = today_of(warehouse) - timedelta(days=40)
    warehouse.add_apps([App("a", day, day)])
    query = "select state from mart.coverage"
    assert warehouse.rows(query) == [{"state": "lost"}]
    warehouse.run("update core.vendor_account set window_length = '60 days'")
    assert warehouse.rows(query) == [{"state": "pending"}]
    warehouse.run("update core.vendor_account set window_length = '30 days'")
    assert warehouse.rows(query) == [{"state": "lost"}]
    warehouse.add_days([AppDay("a", day, ZEROS)])
    assert warehouse.rows(query) == [{"state": "collected"}]
    warehouse.run("delete from core.app_day; update core.app set wanted = '{}'")
    assert warehouse.rows(query) == []


def test_only_expected_days_and_days_with_points_have_a_row(warehouse: Warehouse) -> None:
    warehouse.add_account()
    expected_days = days_between(MONDAY, MONDAY + timedelta(days=4))
    warehouse.add_apps([App("a", expected_days[0], expected_days[-1])])
    before, after = MONDAY - timedelta(days=400), MONDAY + timedelta(days=60)
    warehouse.add_days(
        [
            AppDay("a", before, ZEROS),
            AppDay("a", before + timedelta(days=1)),
            AppDay("a", before + timedelta(days=2), state="rejected"),
            AppDay("a", expected_days[0], ZEROS),
            AppDay("a", expected_days[1], [None, *ZEROS[1:]]),
            AppDay("a", expected_days[2], state="rejected"),
            AppDay("a", expected_days[3]),
            AppDay("a", after, [None] * 287 + [0.0]),
            AppDay("a", after + timedelta(days=1)),
            AppDay("a", after + timedelta(days=2), [None] * 288),
        ]
    )
    rows = warehouse.rows("select usage_date, state, points from mart.coverage order by usage_date")
    assert [tuple(row.values()) for row in rows] == [
        (before, "collected", 288),
        (expected_days[0], "collected", 288),
        (expected_days[1], "partial", 287),
        (expected_days[2], "lost", 0),
        (expected_days[3], "lost", 0),
        (expected_days[4], "lost", 0),
        (after, "partial", 1),
    ]


def test_the_views_read_the_time_from_mart_clock(warehouse: Warehouse) -> None:
    """Simulated nights replace mart.clock. A view that read another clock would not follow."""
    warehouse.add_account(window="30 days")
    warehouse.add_apps([App("a", MONDAY)])
    warehouse.run(
        "create or replace function mart.clock() returns timestamptz language sql stable parallel safe"
        " begin atomic select timestamptz '2025-04-12 12:00+00'; end"
    )
    rows = warehouse.rows("select usage_date, state, days_left from mart.coverage order by usage_date")
    assert [(row["usage_date"], row["state"], row["days_left"]) for row in rows] == [
        (day, "lost" if n > 32 else "pending", 30 - n)
        for n, day in ((n, date(2025, 4, 12) - timedelta(days=n)) for n in range(40, 0, -1))
    ]


def test_one_response_for_several_apps_is_marked(warehouse: Warehouse) -> None:
    warehouse.add_account()
    warehouse.add_apps(App(app_id, MONDAY) for app_id in "abcd")
    busy, other = [*ZEROS[1:], 7.0], [*ZEROS[1:], 8.0]
    next_day = MONDAY + timedelta(days=1)
    warehouse.add_days(AppDay(app_id, MONDAY, busy) for app_id in "abc")
    warehouse.add_days([AppDay("d", MONDAY, other), AppDay("a", next_day, busy)])
    warehouse.add_days(AppDay(app_id, next_day, ZEROS) for app_id in "bc")
    warehouse.run(
        "update core.app_day set body_sha256 = 'another' from core.app"
        " where app.app_key = app_day.app_key and app_id = 'd'"
    )
    rows = warehouse.rows(
        "select app_id, usage_date, same_response_as from mart.coverage"
        " where state = 'collected' order by usage_date, app_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("a", MONDAY, "b, c"),
        ("b", MONDAY, "a, c"),
        ("c", MONDAY, "a, b"),
        ("d", MONDAY, None),
        ("a", next_day, None),
        ("b", next_day, None),
        ("c", next_day, None),
    ], "apps without traffic all have the same zeros"


def test_a_day_that_is_not_over_is_not_expected_yet(warehouse: Warehouse) -> None:
    """A day that was requested manually counts only once it is over, so no bill contains half a day."""
    warehouse.add_account()
    ahead = today_of(warehouse) + timedelta(days=1)  # tomorrow, which is still ahead if midnight passes
    warehouse.add_apps([App("a", ahead)])
    warehouse.add_days([AppDay("a", ahead, ZEROS)])
    assert not warehouse.rows("select * from mart.coverage")
    assert not warehouse.rows("select * from mart.billing_monthly")
    assert not warehouse.rows("select * from mart.billing_monthly_total")
    assert len(warehouse.rows("select * from mart.bandwidth_5min")) == 288
