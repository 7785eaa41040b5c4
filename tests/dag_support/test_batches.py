"""Batches: everything planned is in exactly one, in order, and none is too large to travel."""

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
    """Keeps XComs as Airflow does: what is left is what JSON makes of it."""

    dag_id, run_id = "a_dag", "a_run"

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.kept[key] = json.dumps(value)

    def xcom_pull(self, *, task_ids: str, key: str) -> Any:
        assert task_ids == "plan"
        return json.loads(self.kept.get(key, "null"))


def planned(days: int, apps: int) -> list[tuple[str, date]]:
    return [
        (f"app{number:05d}", DAY + timedelta(days=offset)) for offset in range(days) for number in range(apps)
    ]


def dealt(app_days: list[tuple[str, date]], rate: float, **given: Any) -> list[Batch]:
    return list(split_into_batches("account", app_days, planned_at=NOW, requests_per_second=rate, **given))


def sizes(batches: list[Batch]) -> list[int]:
    return [len(batch.app_days()) for batch in batches]


@given(days=st.integers(0, 40), apps=st.integers(1, 60))
def test_every_app_day_is_in_exactly_one_batch_in_order(days: int, apps: int) -> None:
    batches = dealt(planned(days, apps), RATE)
    assert [app_day for batch in batches for app_day in batch.app_days()] == planned(days, apps)
    assert all(0 < size <= SIZE for size in sizes(batches))


def test_nothing_planned_is_no_batch() -> None:
    assert dealt([], RATE) == []


@pytest.mark.parametrize("count", [499, 500, 501, 1000, 1001])
def test_batches_are_full_but_the_last(count: int) -> None:
    found = sizes(dealt(planned(1, count), RATE))
    assert found[:-1] == [SIZE] * (len(found) - 1)
    assert sum(found) == count


def test_a_slow_account_is_not_dealt_out_in_crumbs() -> None:
    assert sizes(dealt(planned(1, 250), 0.01)) == [LEAST_APP_DAYS, LEAST_APP_DAYS, 50]


def test_a_night_of_an_account_as_it_comes_is_one_batch() -> None:
    assert sizes(dealt(planned(1, 3000), 10)) == [3000]


@pytest.mark.parametrize("rate", [100, 1_000_000])
def test_a_fast_account_is_dealt_out_to_several_processes(rate: float) -> None:
    assert sizes(dealt(planned(1, 2 * MOST_APP_DAYS + 1), rate)) == [MOST_APP_DAYS, MOST_APP_DAYS, 1]


def test_there_are_never_more_batches_than_airflow_maps() -> None:
    app_days = planned(31, 20_000)
    batches = dealt(app_days, RATE)
    assert len(batches) <= MOST_BATCHES
    assert sum(sizes(batches)) == len(app_days)
    assert len(dealt(app_days, RATE, most_batches=7)) == 7


@given(st.lists(st.integers(0, 1_000_000), max_size=60))
def test_accounts_share_the_batches_by_their_work_and_each_gets_one(app_days: list[int]) -> None:
    found = batch_limits(app_days)
    assert sum(found) <= MOST_BATCHES
    assert all(share >= 1 for share in found)
    assert sorted(found) == [share for _, share in sorted(zip(app_days, found, strict=True))]


def test_an_account_with_nothing_to_do_does_not_make_the_batches_of_others_larger() -> None:
    assert batch_limits([600_000, 0, 0, 0]) == [MOST_BATCHES - 3, 1, 1, 1]
    assert batch_limits([300_000, 100_000]) == [1 + 748, 1 + 249]


def test_accounts_take_turns_so_that_none_waits_for_the_end_of_another() -> None:
    three, one, none = (
        [Batch(name, str(number), {}, "") for number in range(count)]
        for name, count in (("a", 3), ("b", 1), ("c", 0))
    )
    found = [(batch.conn_id, batch.label) for batch in interleave([three, one, none])]
    assert found == [("a", "0"), ("b", "0"), ("a", "1"), ("a", "2")]


def test_a_label_says_account_days_and_size() -> None:
    (one_day,) = dealt(planned(1, 3), 10)
    (two_days,) = dealt(planned(2, 3), 10)
    assert one_day.label == "account, 2026-11-01, 3 app-days"
    assert two_days.label == "account, 2026-11-01 – 2026-11-02, 6 app-days"
    assert datetime.fromisoformat(one_day.planned_at) == NOW


def test_a_batch_arrives_as_it_was_handed_over() -> None:
    ti: Any = TaskInstance()
    batches = dealt(planned(2, 600), RATE)
    references = [batch.push(ti, number) for number, batch in enumerate(batches)]
    assert [Batch.pull(ti, "plan", json.loads(json.dumps(reference))) for reference in references] == batches


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ({"key": "batch_other", "label": "account"}, "account: planned"),
        ({"label": "account", "conn_id": "account", "app_ids_by_day": {}}, "account: planned"),
        ({}, "This batch: planned"),
        ("batch_0000", "This batch: planned"),
        ([["app", "2026-11-01"]], "This batch: planned"),
        (None, "This batch: planned"),
    ],
)
def test_what_another_version_or_another_plan_left_is_not_tried_again(reference: Any, named: str) -> None:
    ti: Any = TaskInstance()
    ti.xcom_push("batch_other", {"conn_id": "account", "app_days": []})
    with pytest.raises(AirflowFailException, match=named) as raised:
        Batch.pull(ti, "plan", reference)
    assert "Clear the task plan and everything downstream" in str(raised.value)


def test_a_batch_that_was_removed_is_named_with_its_run() -> None:
    ti: Any = TaskInstance()
    with pytest.raises(
        TaskOutputRemoved, match="XComs of the task plan of a_dag in run a_run were removed"
    ) as raised:
        Batch.pull(ti, "plan", {"key": "batch_0009", "label": "account, 3 app-days"})
    assert "Trigger a new run" in str(raised.value)


def test_what_is_mapped_over_stays_small_however_much_is_planned() -> None:
    """Each of the mapped tasks is given all of it."""
    ti: Any = TaskInstance()
    batches = dealt(planned(31, 20_000), 10)
    references = [batch.push(ti, number) for number, batch in enumerate(batches)]
    assert len(json.dumps(references)) < 100 * len(batches)
    # App IDs have 32 digits, those made up here eight.
    assert max(len(value) + 24 * MOST_APP_DAYS for value in ti.kept.values()) < 1_000_000


def test_an_unusable_account_has_no_days() -> None:
    assert Batch("account", "not usable", {}, NOW.isoformat(), unusable="401").app_days() == []
