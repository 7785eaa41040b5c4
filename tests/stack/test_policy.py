"""Rules that every DAG of this project follows, checked as Airflow parses the DAGs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from agora.bandwidth.plan import COLLECTING_SECONDS
from agora.dag_support.dag_defaults import DAG_DEFAULTS
from agora.dag_support.dag_schedules import SCHEDULES
from tests.stack.stack import LiveStack
from tests.support.paths import ROOT

SCHEDULED = (
    "agora_bandwidth_daily",
    "agora_bandwidth_retention",
    "agora_bandwidth_watch",
    "agora_push_stream_state",
)
MANUAL = (
    "agora_bandwidth_backfill",
    "agora_bandwidth_replay",
    "agora_billing_close",
    "agora_push_stream_channel",
    "agora_push_stream_open",
)
EXAMPLE = "agora_push_stream_broadcast"
DAGS = (*SCHEDULED, *MANUAL, EXAMPLE)
# Not retried: a user waits for the result, and a start is never repeated.
NOT_RETRIED = {
    ("agora_push_stream_open", "open_state"),
    ("agora_push_stream_channel", "call"),
    ("agora_push_stream_broadcast", "start"),
}


def test_every_file_is_parsed_and_defines_the_dag_named_after_it(session_stack: LiveStack) -> None:
    assert session_stack.api.import_errors() == []
    found = session_stack.call("GET", "/api/v2/dags?tags=agora")["dags"]
    assert sorted(dag["dag_id"] for dag in found) == sorted(DAGS)
    assert sorted(path.stem for path in (ROOT / "dags").glob("*.py")) == sorted(DAGS)


def test_every_dag_has_an_owner_tags_and_documentation(session_stack: LiveStack) -> None:
    for dag_id in DAGS:
        dag = session_stack.call("GET", f"/api/v2/dags/{dag_id}/details")
        assert dag["owners"] == ["agora"]
        topic = "push-stream" if dag_id.startswith("agora_push_stream") else "bandwidth"
        assert {tag["name"] for tag in dag["tags"]} == {"agora", topic}
        assert dag["timezone"] == "UTC"
        assert dag["catchup"] is False
        assert dag["max_active_runs"] == 1
        assert len(dag["doc_md"]) > 200


def test_every_task_that_reaches_a_server_is_retried(session_stack: LiveStack) -> None:
    for dag_id in DAGS:
        for task in session_stack.call("GET", f"/api/v2/dags/{dag_id}/tasks")["tasks"]:
            if task["task_id"].rpartition(".")[2] == "check":
                assert task["retries"] == 1, "a retry does not resolve a contradiction"
                continue
            if (dag_id, task["task_id"]) in NOT_RETRIED:
                assert task["retries"] == 0, task["task_id"]
                continue
            assert (task["retries"], task["retry_exponential_backoff"]) == (6, 2), task["task_id"]
            if task["task_id"] in ("collect_bandwidth.collect", "query"):
                assert task["pool"] == "agora_api"


def test_every_schedule_ignores_runs_in_the_future(session_stack: LiveStack) -> None:
    timetables = dict(session_stack.metadata("select dag_id, timetable_type from dag"))
    for dag_id in (*SCHEDULED, EXAMPLE):
        assert timetables[dag_id].startswith("agora.timetable."), dag_id
    assert sorted(SCHEDULES) == sorted(SCHEDULED), "the DAGs whose next runs are recorded"


def test_a_run_is_planned_no_more_than_fits_into_its_timeout() -> None:
    assert timedelta(seconds=COLLECTING_SECONDS) <= 0.95 * DAG_DEFAULTS["dagrun_timeout"]


def test_manually_triggered_dags_are_not_paused_upon_creation(session_stack: LiveStack) -> None:
    for dag_id in MANUAL:
        details = session_stack.call("GET", f"/api/v2/dags/{dag_id}/details")
        assert details["is_paused_upon_creation"] is False
        assert details["is_paused"] is False


def test_the_example_is_paused_upon_creation(session_stack: LiveStack) -> None:
    details = session_stack.call("GET", f"/api/v2/dags/{EXAMPLE}/details")
    assert details["is_paused_upon_creation"] is not False


def test_dag_files_are_short_and_contain_only_wiring() -> None:
    for path in (ROOT / "dags").glob("*.py"):
        text = path.read_text()
        assert text.count("\n") <= 120, path
        assert "**BANDWIDTH_DAG," in text or "**PUSH_STREAM_DAG," in text, (
            f"{path} does not use the DAG defaults for retries and alerts"
        )
        for word in ("aiohttp", "pandas", "sqlalchemy", "select "):
            assert word not in text, (path, word)


def test_our_code_causes_no_warnings_in_airflows_logs(session_stack: LiveStack) -> None:
    ours = (str(ROOT / "plugins"), str(ROOT / "dags"))
    state: Path = session_stack.stack.settings.state
    for path in [*(state / "log").rglob("*.log"), *(state / "airflow").rglob("*.log")]:
        for line in path.read_text(errors="replace").splitlines():
            if "Warning" in line:
                assert not any(folder in line for folder in ours), (path.name, line)


def test_every_dag_has_a_description(session_stack: LiveStack) -> None:
    found = session_stack.call("GET", "/api/v2/dags?tags=agora")["dags"]
    assert {dag["dag_id"] for dag in found if dag["description"]} == set(DAGS)
