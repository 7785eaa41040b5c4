"""Batches: every planned app-day is in exactly one batch, in order, and no batch is too large for an XCom."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from hypothesis import given
from hypothesis import strategies as st

from agora.dag_support.batches import (
    BATCH_SECONDS,
    LEAST_APP_DAYS,
    MOST_APP_DAYS,
    MOST_BATCHES,
    Batch,
    batch_limits,
    interleave,
    split_into_batches,
)
from agora.errors import TaskOutputRemoved

pytestmark = pytest.mark.unit

DAY = date(2026, 11, 1)
NOW = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
# Five minutes at this rate are 500 app-days.
SIZE = 500
RATE = SIZE / BATCH_SECONDS


class TaskInstance:
    """Stores XComs like Airflow, as JSON."""

    dag_id, run_id = "a_dag", "a_run"

    def __init__(self) -> None:
        self.xcoms: dict[str, str] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = json.dumps(value)

    def xcom_pull(self, *, task_ids: str, key: str) -> Any:
        assert task_ids == "plan"
        return json.loads(self.xcoms.get(key, "null"))


def planned(days: int, apps: int) -> list[tuple[str, date]]:
    return [
        (f"app{number:05d}", DAY + timedelta(days=offset)) for offset in range(days) for number in range(apps)
    ]


def split(app_days: list[tuple[str, date]], rate: float, **options: Any) -> list[Batch]:
    return list(split_into_batches("account", app_days, planned_at=NOW, requests_per_second=rate, **options))


def sizes(batches: list[Batch]) -> list[int]:
    return [len(batch.app_days()) for batch in batches]


@given(days=st.integers(0, 40), apps=st.integers(1, 60))
def test_every_app_day_is_in_exactly_one_batch_in_order(days: int, apps: int) -> None:
    batches = split(planned(days, apps), RATE)
    assert [app_day for batch in batches for app_day in batch.app_days()] == planned(days, apps)
    assert all(0 < size <= SIZE for size in sizes(batches))


def test_an_empty_plan_has_no_batches() -> None:
    assert split([], RATE) == []


@pytest.mark.parametrize("count", [499, 500, 501, 1000, 1001])
def test_all_batches_but_the_last_are_full(count: int) -> None:
    found = sizes(split(planned(1, count), RATE))
    assert found[:-1] == [SIZE] * (len(found) - 1)
    assert sum(found) == count


def test_a_slow_account_gets_no_tiny_batches() -> None:
    assert sizes(split(planned(1, 250), 0.01)) == [LEAST_APP_DAYS, LEAST_APP_DAYS, 50]


def test_a_typical_night_of_one_account_is_one_batch() -> None:
    assert sizes(split(planned(1, 3000), 10)) == [3000]


@pytest.mark.parametrize("rate", [100, 1_000_000])
def test_a_fast_account_is_split_over_several_processes(rate: float) -> None:
    assert sizes(split(planned(1, 2 * MOST_APP_DAYS + 1), rate)) == [MOST_APP_DAYS, MOST_APP_DAYS, 1]


def test_the_number_of_batches_stays_within_airflows_limit() -> None:
    app_days = planned(31, 20_000)
    batches = split(app_days, RATE)
    assert len(batches) <= MOST_BATCHES
    assert sum(sizes(batches)) == len(app_days)
    assert len(split(app_days, RATE, most_batches=7)) == 7


@given(st.lists(st.integers(0, 1_000_000), max_size=60))
def test_accounts_share_the_batches_by_workload_and_each_gets_one(app_days: list[int]) -> None:
    found = batch_limits(app_days)
    assert sum(found) <= MOST_BATCHES
    assert all(share >= 1 for share in found)
    assert sorted(found) == [share for _, share in sorted(zip(app_days, found, strict=True))]


def test_an_idle_account_does_not_enlarge_the_batches_of_others() -> None:
    assert batch_limits([600_000, 0, 0, 0]) == [MOST_BATCHES - 3, 1, 1, 1]
    assert batch_limits([300_000, 100_000]) == [1 + 748, 1 + 249]


def test_batches_of_several_accounts_are_interleaved() -> None:
    three, one, none = (
        [Batch(name, str(number), {}, "") for number in range(count)]
        for name, count in (("a", 3), ("b", 1), ("c", 0))
    )
    found = [(batch.conn_id, batch.label) for batch in interleave([three, one, none])]
    assert found == [("a", "0"), ("b", "0"), ("a", "1"), ("a", "2")]


def test_a_label_names_account_days_and_size() -> None:
    (one_day,) = split(planned(1, 3), 10)
    (two_days,) = split(planned(2, 3), 10)
    assert one_day.label == "account, 2026-11-01, 3 app-days"
    assert two_days.label == "account, 2026-11-01 – 2026-11-02, 6 app-days"
    assert datetime.fromisoformat(one_day.planned_at) == NOW


def test_a_batch_survives_the_xcom() -> None:
    ti: Any = TaskInstance()
    batches = split(planned(2, 600), RATE)
    references = [batch.push(ti, number) for number, batch in enumerate(batches)]
    assert [Batch.pull(ti, "plan", json.loads(json.dumps(reference))) for reference in references] == batches


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"key": "batch_other", "label": "account"}, "account: planned"),
        ({"label": "account", "conn_id": "account", "app_ids_by_day": {}}, "account: planned"),
        ({}, "This batch: planned"),
        ("batch_0000", "This batch: planned"),
        ([["app", "2026-11-01"]], "This batch: planned"),
        (None, "This batch: planned"),
    ],
)
def test_a_reference_from_another_version_or_plan_is_not_retried(reference: Any, message: str) -> None:
    ti: Any = TaskInstance()
    ti.xcom_push("batch_other", {"conn_id": "account", "app_days": []})
    with pytest.raises(AirflowFailException, match=message) as raised:
        Batch.pull(ti, "plan", reference)
    assert "Clear the task plan and everything downstream" in str(raised.value)


def test_a_removed_batch_is_reported_with_its_run() -> None:
    ti: Any = TaskInstance()
    with pytest.raises(
        TaskOutputRemoved, match="XComs of the task plan of a_dag in run a_run were removed"
    ) as raised:
        Batch.pull(ti, "plan", {"key": "batch_0009", "label": "account, 3 app-days"})
    assert "Trigger a new run" in str(raised.value)


def test_references_stay_small_for_a_large_plan() -> None:
    """Airflow passes all references to each mapped task."""
    ti: Any = TaskInstance()
    batches = split(planned(31, 20_000), 10)
    references = [batch.push(ti, number) for number, batch in enumerate(batches)]
    assert len(json.dumps(references)) < 100 * len(batches)
    # Real App IDs have 32 digits; the App IDs here have eight.
    assert max(len(value) + 24 * MOST_APP_DAYS for value in ti.xcoms.values()) < 1_000_000


def test_an_unusable_account_has_no_days() -> None:
    assert Batch("account", "not usable", {}, NOW.isoformat(), unusable="401").app_days() == []
