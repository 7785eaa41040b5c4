"""The event of the asset `agora_bandwidth`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException

from agora.bandwidth.batch_result import BatchResult
from agora.operators.publish import BANDWIDTH, ReplayPublishOperator

pytestmark = pytest.mark.unit


class TaskInstance(SimpleNamespace):
    """The publishing task of a run whose replay task left a result."""

    def xcom_pull(self, **_: Any) -> Any:
        return self.result

    def xcom_push(self, _key: str, _value: Any) -> None:
        """Ignore notes."""


def published(
    result: BatchResult | None, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Any], dict[str, Any]]:
    """Return the task's outlets and the event's extra after the task has run."""
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    event = SimpleNamespace(extra={})
    ti = TaskInstance(dag_id="agora_bandwidth_replay", run_id="a run", result=result and result.to_json())
    task = ReplayPublishOperator(task_id="publish", replay_task_id="replay")
    context: Any = {"ti": ti, "outlet_events": {BANDWIDTH: event}}
    task.execute(context)
    return [*task.outlets], event.extra


def test_the_event_has_the_runs_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    result = BatchResult(app_days=3, points_received=576, changed=2, states={"collected": 2, "rejected": 1})
    outlets, extra = published(result, monkeypatch)
    assert outlets == [BANDWIDTH]
    assert extra == {
        "app_days": 3,
        "points": 576,
        "changed": 2,
        "states": {"collected": 2, "rejected": 1},
        "failed_apps": [],
    }


def test_without_a_change_the_task_succeeds_without_an_event(monkeypatch: pytest.MonkeyPatch) -> None:
    outlets, extra = published(BatchResult(app_days=3), monkeypatch)
    assert (outlets, extra) == ([], {})


def test_a_removed_result_fails_with_an_explanation(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AirflowFailException, match="XComs of the task replay"):
        published(None, monkeypatch)
