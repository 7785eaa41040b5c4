"""The check and publish steps on a real warehouse: one failure does not hide the others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from agora.dag_support.batches import Batch
from agora.dag_support.run_notes import NOTE_KEY, SUMMARY_KEY
from agora.operators import data_checks, publish
from tests.warehouse.database import App, AppDay, Warehouse

pytestmark = pytest.mark.usefixtures("outside_airflow")

NOW = datetime.now(UTC)
DAY = NOW.date() - timedelta(days=3)


class TaskInstance:
    """Stores XComs regardless of their task, and reports that the check succeeded."""

    dag_id, run_id = "agora_bandwidth_daily", "a run"

    def __init__(self) -> None:
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, *, key: str = "return_value", map_indexes: Any = (), **selection: Any) -> Any:
        several = isinstance(selection.get("task_ids"), list)
        return self.xcoms.get(key, [None for _ in map_indexes] if several else None)

    def get_task_states(self, **selection: Any) -> Mapping[str, Mapping[str, str]]:
        return {self.run_id: {"check": "success"}}


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("select true as good from no_such_table", 'relation "no_such_table" does not exist'),
        (
            "select set_config('statement_timeout', '10', true); select pg_sleep(60) is null as good",
            "canceling statement due to statement timeout",
        ),
        (
            "select pg_terminate_backend(pg_backend_pid()) as good",
            "(terminating connection|server closed the connection) .*",
        ),
    ],
)
def test_a_check_that_cannot_run_hides_no_contradiction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str, reason: str
) -> None:
    texts = {"a": "select true as one, false as two", "b": statement, "c": "select false as three"}
    for name, text in texts.items():
        (tmp_path / f"{name}.sql").write_text(text)
    monkeypatch.setattr(data_checks, "CHECKS", tmp_path)
    ti = TaskInstance()

    message = (
        r"The stored data contradicts itself: the check a failed \(two\); the check c failed \(three\)\."
        rf" The stored data could not be checked in full: the check b could not run \({reason}\)\."
        r" See docs/runbook\.md#run-failed"
    )
    with pytest.raises(AirflowException, match=message) as raised:
        data_checks.StoredDataCheckOperator(task_id="check").execute({"ti": ti})  # type: ignore[typeddict-item]

    assert ti.xcoms[NOTE_KEY] == str(raised.value)


def test_a_batch_from_another_plan_does_not_prevent_recording_the_run(warehouse: Warehouse) -> None:
    warehouse.add_account()
    warehouse.add_apps([App("a", DAY)])
    warehouse.add_days([AppDay("a", DAY, [1.0] * 288)])
    ti: Any = TaskInstance()
    known = Batch("agora_dashboard", "known", {str(DAY): ["a"]}, NOW.isoformat()).push(ti, 0)
    ti.xcom_push("return_value", [{"conn_id": "agora_dashboard", "label": "older"}, None, known])
    event = SimpleNamespace(extra={})
    context: Any = {
        "ti": ti,
        "dag_run": SimpleNamespace(start_date=NOW - timedelta(days=2)),
        "outlet_events": {publish.BANDWIDTH: event},
    }

    publish.BandwidthPublishOperator(
        task_id="publish", plan_task_id="plan", collect_task_id="collect", check_task_id="check"
    ).execute(context)

    assert "2 of 3 planned batches could not be counted. older: planned by another" in ti.xcoms[SUMMARY_KEY]
    assert event.extra["app_days"] == 1
    assert warehouse.rows("select app_days, collected from core.collection_run") == [
        {"app_days": 1, "collected": 1}
    ]
    assert warehouse.rows("select 1 from core.changed_app_day") == [], "the stored figures are refreshed"


def test_a_cleared_publish_task_still_announces_the_run_s_changes(warehouse: Warehouse) -> None:
    """Airflow resets the start of a finished run when a task is cleared."""
    warehouse.add_account()
    warehouse.add_apps([App("a", DAY)])
    warehouse.add_days([AppDay("a", DAY, [1.0] * 288)])
    ti: Any = TaskInstance()
    planned_at = (NOW - timedelta(days=2)).isoformat()
    ti.xcom_push(
        "return_value",
        [Batch("agora_dashboard", "one", {str(DAY): ["a"]}, planned_at).push(ti, 0)],
    )
    event = SimpleNamespace(extra={})
    context: Any = {
        "ti": ti,
        "dag_run": SimpleNamespace(start_date=datetime.now(UTC) + timedelta(seconds=1)),
        "outlet_events": {publish.BANDWIDTH: event},
    }

    publish.BandwidthPublishOperator(
        task_id="publish", plan_task_id="plan", collect_task_id="collect", check_task_id="check"
    ).execute(context)

    assert event.extra["changed"] == 1
