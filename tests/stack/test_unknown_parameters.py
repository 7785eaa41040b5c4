"""A misspelt parameter fails a run before anything is requested."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.stack.stack import LiveStack, Run

DAYS = {"from_date": "2026-11-01", "to_date": "2026-11-02"}
MANUAL_DAGS: dict[str, tuple[dict[str, Any], str]] = {
    "agora_push_stream_open": ({"action": "apply"}, "action, app_ids"),
    "agora_push_stream_channel": (
        {"action": "start", "cname": "evening", "urls": ["rtmp://live.example.com/a"]},
        "action, cname, conn_id, uids, urls",
    ),
    "agora_bandwidth_backfill": (DAYS, "app_ids, from_date, reload, to_date"),
    "agora_billing_close": ({}, "billing_group, force, invoice_kbps, month"),
    "agora_bandwidth_replay": (DAYS, "app_ids, correct_zone, from_date, to_date"),
}


def assert_refused(live: LiveStack, run: Run, parameters: str) -> None:
    assert run.state == "failed"
    assert (
        f"{run.dag_id} does not accept the parameter app_id; {parameters}. Nothing was requested." in run.note
    )
    assert max(task["try_number"] for task in run.tasks) == 1, "a retry cannot correct a parameter"
    assert live.sandbox("GET", "stats")["requests"] == 0
    assert live.sandbox("GET", "channels")["channels"] == []


@pytest.mark.parametrize("dag_id", MANUAL_DAGS)
def test_an_unknown_parameter_is_refused(live: LiveStack, dag_id: str) -> None:
    conf, parameters = MANUAL_DAGS[dag_id]
    day = (live.today - timedelta(days=2)).isoformat()
    conf = {**conf, **{name: day for name in DAYS if name in conf}}
    run = live.trigger(dag_id, {**conf, "app_id": live.app_ids[:1]})
    assert_refused(live, run, f"its parameters are {parameters}")
    assert live.sql("select count(*) from core.app_day") == [(0,)]


def test_the_nightly_dag_has_no_parameters(live: LiveStack) -> None:
    run = live.trigger("agora_bandwidth_daily", {"app_id": live.app_ids[:1]})
    assert_refused(live, run, "it has no parameters")
    assert live.sql("select count(*) from core.app_day") == [(0,)]


def test_a_broadcast_with_an_unknown_parameter_does_not_start(live: LiveStack) -> None:
    dag = "/api/v2/dags/agora_push_stream_broadcast?update_mask=is_paused"
    live.call("PATCH", dag, {"is_paused": False})
    try:
        run = live.trigger("agora_push_stream_broadcast", {"cname": "evening", "minutes": 30, "app_id": "a"})
    finally:
        live.call("PATCH", dag, {"is_paused": True})
    assert_refused(live, run, "its parameters are cname, minutes, urls")
    assert run.by_task()["stop"] == "skipped", "the run must not stop another run's channel"
