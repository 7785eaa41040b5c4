"""A failed run's causes, collected from its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest

from agora.bandwidth.batch_result import BatchResult, FailedApp
from agora.dag_support.batches import Batch
from agora.dag_support.run_notes import CAUSES_KEY
from agora.dag_support.run_outputs import RESULT_KEY, RunOutputs
from agora.domain import Cause

pytestmark = pytest.mark.unit

NOW = datetime.now(UTC).isoformat()


class Xcoms:
    """A run's XComs, by task, map index and key."""

    dag_id, run_id = "agora_bandwidth_daily", "a run"

    def __init__(self, values: Mapping[tuple[str, int, str], Any]) -> None:
        self._values = values

    def xcom_pull(self, *, task_ids: Any, key: str = "return_value", map_indexes: Any = (-1,)) -> Any:
        if isinstance(task_ids, str):
            return self._values.get((task_ids, -1, key))
        return [self._values.get((task, index, key)) for task in task_ids for index in map_indexes]

    def get_task_states(self, **_: Any) -> Mapping[str, Mapping[str, str]]:
        return {}


def test_causes_come_from_accounts_apps_and_tasks() -> None:
    batches = [
        Batch("one", "one", {"2026-11-01": ["a"]}, NOW),
        Batch("one", "one again", {"2026-11-02": ["a"]}, NOW),
        Batch("two", "two", {"2026-11-01": ["b"]}, NOW),
        Batch("three", "three, not usable", {}, NOW, "no connection", "SettingsError"),
    ]
    results = [
        BatchResult(stopped="refused", stopped_by="CredentialsRefused"),
        BatchResult(stopped="refused again", stopped_by="CredentialsRefused"),
        BatchResult(failures={"b": FailedApp(1, "HTTP 404", ["UnknownApp"])}),
    ]
    values: dict[tuple[str, int, str], Any] = {
        ("plan", -1, "return_value"): [{"key": str(number), "label": ""} for number in range(len(batches))],
        ("collect", 3, CAUSES_KEY): [["SettingsError", "three"]],
        ("check", -1, CAUSES_KEY): [["WarehouseError", ""]],
    }
    for number, batch in enumerate(batches):
        values["plan", -1, str(number)] = asdict(batch)
    for number, result in enumerate(results):
        values["collect", number, RESULT_KEY] = result.to_json()
    outputs = RunOutputs(Xcoms(values), "plan", "collect", "check")  # type: ignore[arg-type]
    assert outputs.causes == {
        Cause("CredentialsRefused", "one"),
        Cause("UnknownApp"),
        Cause("SettingsError", "three"),
        Cause("WarehouseError"),
    }
    assert outputs.total.stopped == "refused"
