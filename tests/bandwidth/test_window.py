"""Where the vendor's window is expected to end, and how requests find its edge."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.bandwidth.window import (
    EDGE_DAYS,
    MARGIN_DAYS,
    PROBES_PER_DATE,
    Edge,
    edge_end,
    oldest_day,
    oldest_requested,
)
from agora.domain import AppDay

pytestmark = pytest.mark.unit

FIVE_YEARS = [date(2023, 1, 1) + timedelta(days=number) for number in range(5 * 365 + 2)]
TODAY = date(2026, 11, 22)
OLDEST = TODAY - timedelta(days=31)  # according to the calendar
DATES = [TODAY - timedelta(days=age) for age in range(31 + MARGIN_DAYS, 0, -1)]


def a_month_before(today: date) -> date:
    """Go back day by day to the same day of the previous month, or to its last day."""
    day = today.replace(day=1) - timedelta(days=1)
    while day.day > today.day:
        day -= timedelta(days=1)
    return day


def test_a_month_ago_is_correct_for_every_day_of_five_years() -> None:
    assert [oldest_day("1 month", day) for day in FIVE_YEARS] == list(map(a_month_before, FIVE_YEARS))


@pytest.mark.parametrize(
    ("today", "oldest"),
    [
        (date(2026, 3, 31), date(2026, 2, 28)),
        (date(2028, 3, 31), date(2028, 2, 29)),
        (date(2026, 3, 28), date(2026, 2, 28)),
        (date(2026, 3, 1), date(2026, 2, 1)),
        (date(2026, 1, 31), date(2025, 12, 31)),
        (date(2026, 12, 31), date(2026, 11, 30)),
    ],
)
def test_a_month_ago_is_clipped_to_a_shorter_month(today: date, oldest: date) -> None:
    assert oldest_day("1 month", today) == oldest


@pytest.mark.parametrize(
    ("window", "days"), [("1 day", 1), ("30 days", 30), ("31 days", 31), ("400 days", 400)]
)
def test_a_window_in_days_is_counted_back_from_today(window: str, days: int) -> None:
    assert oldest_day(window, TODAY) == TODAY - timedelta(days=days)


def test_a_day_is_requested_for_two_days_after_leaving_the_calendar_window() -> None:
    assert oldest_requested("30 days", TODAY) == TODAY - timedelta(days=32)
    for today in FIVE_YEARS:
        requested = oldest_requested("1 month", today)
        assert requested == min(oldest_day("1 month", today - timedelta(days=ago)) for ago in range(3))
        assert requested <= oldest_day("1 month", today)


def test_only_the_three_oldest_days_may_be_refused_without_a_failure() -> None:
    for window in ("1 month", "7 days", "60 days"):
        for today in FIVE_YEARS[:400]:
            oldest = oldest_day(window, today)
            may_be_refused = [oldest + timedelta(days=age) for age in range(40)]
            may_be_refused = [day for day in may_be_refused if day < edge_end(window, today)]
            assert may_be_refused == [oldest + timedelta(days=age) for age in range(EDGE_DAYS)]


class Vendor:
    """A vendor with one window length per app, in days. It records the requests."""

    def __init__(self, ages: Mapping[str, int], fails: Collection[AppDay] = ()) -> None:
        self.ages, self.fails = ages, fails
        self.requested: list[AppDay] = []
        self.rounds = 0

    def serves(self, app_id: str, usage_date: date) -> bool:
        return usage_date >= TODAY - timedelta(days=self.ages[app_id])

    def collect(
        self, app_days: Collection[AppDay], refused_before: Collection[AppDay] = (), today: date = TODAY
    ) -> Edge:
        """Use the edge as a batch does, until no request is worthwhile."""
        edge = Edge(app_days, OLDEST, today, refused_before)
        requests = edge.first_requests()
        while requests:
            self.rounds += 1
            assert self.rounds <= len(app_days) + 1, "the search does not end"
            for app_id, usage_date in requests:
                self.requested.append((app_id, usage_date))
                if (app_id, usage_date) not in self.fails:
                    edge.note(app_id, usage_date, served=self.serves(app_id, usage_date))
            requests = edge.next_requests()
        assert len(self.requested) == len(set(self.requested)), "an app-day is requested twice"
        assert edge.not_requested() == len(set(app_days) - set(self.requested))
        return edge

    def refused(self) -> set[AppDay]:
        return {app_day for app_day in self.requested if not self.serves(*app_day)}


def app_ids(count: int) -> list[str]:
    return [f"app{number:03}" for number in range(count)]


def product(apps: Collection[str], dates: Collection[date] = DATES) -> list[AppDay]:
    return [(app_id, day) for day in dates for app_id in apps]


def test_served_days_are_requested_in_two_rounds_soonest_to_expire_first() -> None:
    vendor = Vendor(dict.fromkeys(app_ids(20), 99))
    vendor.collect(product(app_ids(20)))
    assert sorted(vendor.requested) == sorted(product(app_ids(20)))
    assert vendor.rounds == 2
    first, rest = vendor.requested[: PROBES_PER_DATE * len(DATES)], vendor.requested
    assert [day for _, day in first] == sorted(day for _, day in first)
    assert [day for _, day in rest[len(first) :]] == sorted(day for _, day in rest[len(first) :])


@pytest.mark.parametrize("apps", [1, 2, PROBES_PER_DATE])
def test_a_few_apps_are_all_requested_despite_refusals(apps: int) -> None:
    vendor = Vendor(dict.fromkeys(app_ids(apps), 0))
    vendor.collect(product(app_ids(apps)))
    assert sorted(vendor.requested) == sorted(product(app_ids(apps)))


def test_days_outside_the_calendar_window_cost_a_few_requests_per_date() -> None:
    vendor = Vendor(dict.fromkeys(app_ids(200), 31))
    vendor.collect(product(app_ids(200)))
    assert len(vendor.refused()) == PROBES_PER_DATE * MARGIN_DAYS


def test_a_shorter_window_costs_a_few_requests_per_date_and_one_per_app_once() -> None:
    vendor = Vendor(dict.fromkeys(app_ids(200), 7))
    vendor.collect(product(app_ids(200)))
    hopeless = [day for day in DATES if day < TODAY - timedelta(days=7)]
    assert len(vendor.refused()) <= PROBES_PER_DATE * len(hopeless) + 200

    # The next night knows which days were refused for each app.
    again = Vendor(vendor.ages)
    again.collect(product(app_ids(200), hopeless), refused_before=vendor.refused())
    assert len(again.requested) == PROBES_PER_DATE * len(hopeless)


def test_a_restored_window_is_collected_immediately_despite_earlier_refusals() -> None:
    vendor = Vendor(dict.fromkeys(app_ids(50), 31))
    vendor.collect(product(app_ids(50)), refused_before=product(app_ids(50)))
    inside = product(app_ids(50), [day for day in DATES if day >= OLDEST])
    assert set(inside) <= set(vendor.requested)
    assert len(vendor.refused()) == PROBES_PER_DATE * MARGIN_DAYS


def test_each_night_probes_different_apps() -> None:
    """Otherwise, a single app whose window is restored would never be found."""
    ages = dict.fromkeys(app_ids(20), 7) | {"app013": 31}
    hopeless = [day for day in DATES if OLDEST <= day < TODAY - timedelta(days=7)]
    found = []
    for night in range(10):
        vendor = Vendor(ages)
        vendor.collect(
            product(app_ids(20), hopeless),
            refused_before=product(app_ids(20), hopeless),
            today=TODAY + timedelta(days=night),
        )
        found.append(sum(vendor.serves(*app_day) for app_day in vendor.requested))
    assert sum(count > 0 for count in found) >= 5
    assert len(set(found)) > 1


def test_apps_that_were_not_refused_before_are_requested_first() -> None:
    vendor = Vendor(dict.fromkeys(app_ids(20), 0))
    refused_before = [app_day for app_day in product(app_ids(20)) if app_day[0] not in ("app004", "app017")]
    edge = Edge(product(app_ids(20)), OLDEST, TODAY, refused_before)
    first = edge.first_requests()
    for day in DATES:
        assert {"app004", "app017"} < {app_id for app_id, usage_date in first if usage_date == day}
    assert vendor.requested == []


def test_every_day_of_an_app_with_a_longer_window_is_requested() -> None:
    ages = dict.fromkeys(app_ids(100), 7) | {"app050": 31}
    vendor = Vendor(ages)
    vendor.collect(product(app_ids(100)))
    assert {day for app_id, day in vendor.requested if app_id == "app050"} >= {
        day for day in DATES if day >= OLDEST
    }


def test_a_date_served_to_one_probe_is_requested_for_every_app() -> None:
    day = OLDEST
    edge = Edge(product(app_ids(50), [day]), OLDEST, TODAY)
    (served, _), *refused = edge.first_requests()
    edge.note(served, day, served=True)
    for app_id, _ in refused:
        edge.note(app_id, day, served=False)
    assert len(edge.next_requests()) == 50 - PROBES_PER_DATE


def test_an_error_is_not_a_refusal() -> None:
    """If the first requests for a date end in an error, the window is still unknown."""
    apps, day = app_ids(50), [OLDEST]
    probes = Edge(product(apps, day), OLDEST, TODAY).first_requests()
    vendor = Vendor(dict.fromkeys(apps, 0), fails=probes[:1])
    vendor.collect(product(apps, day))
    assert len(vendor.requested) == 50


def test_a_newer_day_is_requested_for_an_app_served_an_older_one_despite_earlier_refusals() -> None:
    day = TODAY - timedelta(days=10)
    edge = Edge(product(app_ids(10), [day]), OLDEST, TODAY, refused_before=product(app_ids(10), [day]))
    first = edge.first_requests()
    for app_id, _ in first:
        edge.note(app_id, day, served=False)
    late = next(app_id for app_id in app_ids(10) if (app_id, day) not in first)
    edge.note(late, day - timedelta(days=10), served=True)
    assert edge.next_requests() == [(late, day)]
    assert edge.not_requested() == 10 - PROBES_PER_DATE - 1


AGES = st.dictionaries(st.sampled_from(app_ids(12)), st.integers(0, 40), min_size=1)


@given(ages=AGES, known=AGES, data=st.data())
def test_every_day_inside_the_app_window_and_the_calendar_window_is_requested(
    ages: dict[str, int], known: dict[str, int], data: st.DataObject
) -> None:
    """Holds for any windows, any missing days and any correct earlier refusals."""
    app_days = data.draw(st.lists(st.sampled_from(product(sorted(ages))), unique=True))
    vendor = Vendor(ages)
    refused_before = [
        (app_id, TODAY - timedelta(days=age))
        for app_id, age in known.items()
        if app_id in ages and age > ages[app_id]
    ]
    vendor.collect(app_days, refused_before, today=data.draw(st.sampled_from(FIVE_YEARS)))
    expected = {(app, day) for app, day in app_days if day >= OLDEST and vendor.serves(app, day)}
    assert expected <= set(vendor.requested)


@given(ages=AGES, data=st.data())
def test_the_search_ends_and_requests_nothing_twice_despite_failures(
    ages: dict[str, int], data: st.DataObject
) -> None:
    app_days = product(sorted(ages))
    fails = data.draw(st.sets(st.sampled_from(app_days)))
    refused_before = data.draw(st.sets(st.sampled_from(app_days)))
    vendor = Vendor(ages, fails)
    vendor.collect(app_days, refused_before)


def test_without_app_days_there_are_no_requests() -> None:
    edge = Edge([], OLDEST, TODAY)
    assert (edge.first_requests(), edge.next_requests(), edge.not_requested()) == ([], [], 0)
