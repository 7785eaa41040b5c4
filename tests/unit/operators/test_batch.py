"""Batches: everything planned is in exactly one, in order."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.operators.batch import BATCH_SECONDS, LEAST_APP_DAYS, MOST_BATCHES, Batch, in_batches

DAY = date(2026, 11, 1)
NOW = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
# Five minutes at this rate are 500 app-days.
SIZE = 500
RATE = SIZE / BATCH_SECONDS


def planned(days: int, apps: int) -> list[tuple[str, date, str]]:
    return [
        (f"app{number:05d}", DAY + timedelta(days=offset), "pending")
        for offset in range(days)
        for number in range(apps)
    ]


@given(days=st.integers(0, 40), apps=st.integers(1, 60))
def test_every_app_day_is_in_exactly_one_batch_in_order(days: int, apps: int) -> None:
    batches = list(in_batches("account", planned(days, apps), planned_at=NOW, requests_per_second=RATE))
    assert [app_day for batch in batches for app_day in batch.app_days()] == [
        (app_id, day) for app_id, day, _ in planned(days, apps)
    ]
    assert all(0 < len(batch.app_days()) <= SIZE for batch in batches)


def test_nothing_planned_is_no_batch() -> None:
    assert list(in_batches("account", [], planned_at=NOW, requests_per_second=RATE)) == []


@pytest.mark.parametrize("count", [499, 500, 501, 1000, 1001])
def test_batches_are_full_but_the_last(count: int) -> None:
    sizes = [
        len(batch.app_days())
        for batch in in_batches("account", planned(1, count), planned_at=NOW, requests_per_second=RATE)
    ]
    assert sizes[:-1] == [SIZE] * (len(sizes) - 1)
    assert sum(sizes) == count


def test_a_slow_account_is_not_dealt_out_in_crumbs() -> None:
    sizes = [
        len(batch.app_days())
        for batch in in_batches("account", planned(1, 250), planned_at=NOW, requests_per_second=0.01)
    ]
    assert sizes == [LEAST_APP_DAYS, LEAST_APP_DAYS, 50]


def test_there_are_never_more_batches_than_airflow_maps() -> None:
    app_days = planned(31, 20_000)
    batches = list(in_batches("account", app_days, planned_at=NOW, requests_per_second=RATE))
    assert len(batches) <= MOST_BATCHES
    assert sum(len(batch.app_days()) for batch in batches) == len(app_days)


def test_a_label_says_account_days_and_size() -> None:
    (one_day,) = in_batches("account", planned(1, 3), planned_at=NOW, requests_per_second=10)
    (two_days,) = in_batches("account", planned(2, 3), planned_at=NOW, requests_per_second=10)
    assert one_day.label == "account, 2026-11-01, 3 app-days"
    assert two_days.label == "account, 2026-11-01 – 2026-11-02, 6 app-days"
    assert datetime.fromisoformat(one_day.planned_at) == NOW


def test_a_batch_travels_as_plain_json() -> None:
    (batch,) = in_batches("account", planned(2, 3), planned_at=NOW, requests_per_second=10)
    assert Batch(**json.loads(json.dumps(batch.to_json()))) == batch


def test_a_refused_account_has_no_days() -> None:
    assert Batch("account", "refused", {}, NOW.isoformat(), unusable="401").app_days() == []
