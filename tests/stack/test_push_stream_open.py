"""Applying for and querying the open state through Airflow, and storing it every night."""

from __future__ import annotations

import json

from agora.client.dashboard import CONFIRMING_APPS
from tests.stack.stack import LiveStack

DAG = "agora_push_stream_open"
NIGHTLY = "agora_push_stream_state"


def test_apply_and_query_from_the_command_line(live: LiveStack) -> None:
    first, second, third = sorted(live.app_ids)[:3]
    for action, app_ids in (("apply", [first, second]), ("query", [first, third])):
        conf = json.dumps({"action": action, "app_ids": app_ids})
        live.airflow_cli("dags", "trigger", DAG, "--run-id", f"by-hand-{action}", "--conf", conf)

    applied, queried = (live.wait_for_run(DAG, f"by-hand-{action}") for action in ("apply", "query"))

    assert (applied.state, queried.state) == ("success", "success")
    assert live.return_value(applied, "open_state") == {first: True, second: True}
    assert live.return_value(queried, "open_state") == {first: True, third: False}
    assert f"enabled for 2 apps ({first}, {second}), not for 0 apps; 2 changed or new" in applied.note
    assert f"enabled for 1 app ({first}), not for 1 app ({third}); 1 changed or new" in queried.note
    assert sorted(live.sql("select app_id, enabled, answers from mart.push_stream_state")) == sorted(
        [(first, True, 2), (second, True, 1), (third, False, 1)]
    )


def test_a_denied_application_does_not_fail_the_run(live: LiveStack) -> None:
    live.sandbox("PUT", "open-grants", {"granted": False})
    run = live.trigger(DAG, {"action": "apply", "app_ids": live.app_ids[:1]})
    assert run.state == "success"
    assert live.return_value(run, "open_state") == {live.app_ids[0]: False}


def test_a_night_stores_received_states_and_names_failed_apps(live: LiveStack) -> None:
    unknown, broken = live.app_ids[3], live.app_ids[4]
    live.sandbox(
        "PUT",
        "faults",
        [
            {"call": "open_state", "app_id": unknown, "kind": "status", "status": 404},
            {"call": "open_state", "app_id": broken, "kind": "body", "body": '{"enable": "yes"}'},
        ],
    )
    run = live.trigger(NIGHTLY)
    assert (run.state, run.by_task()) == ("failed", {"query": "failed"})
    assert [task["try_number"] for task in run.tasks] == [1]
    assert "2 apps failed" in run.note
    assert f"App {unknown}: HTTP 404" in run.note
    assert f"App {broken}: HTTP 200, but the body has no open state" in run.note
    assert "Check the App ID and its conn_id" in run.note
    assert live.sql("select count(*) from mart.push_stream_state") == [(18,)]

    live.sandbox("PUT", "faults", [])
    live.sandbox("PUT", "open-states", {live.app_ids[0]: True})
    run = live.trigger(NIGHTLY)
    assert run.state == "success"
    assert "enabled for 1 app, not for 19 apps; 3 changed or new" in run.note
    history = live.sql(
        "select enabled, is_current from mart.push_stream_state"
        f" where app_id = '{live.app_ids[0]}' order by first_seen_at"
    )
    assert history == [(False, False), (True, True)]


def test_a_wrong_certificate_costs_few_requests_and_is_explained(live: LiveStack) -> None:
    live.set_certificate("wrong-certificate-0123456789abcdef")
    run = live.trigger(NIGHTLY)
    assert run.state == "failed"
    assert "HTTP 401" in run.note
    assert "Fix the connection agora_dashboard" in run.note
    assert live.sandbox("GET", "stats")["requests"] <= CONFIRMING_APPS


def test_an_unconfigured_app_is_not_requested(live: LiveStack) -> None:
    run = live.trigger(DAG, {"action": "query", "app_ids": ["f" * 32]})
    assert (run.state, run.by_task()) == ("success", {"open_state": "skipped"})
    assert f"Skipped, nothing requested: No app has the App ID or name {'f' * 32}." in run.note
    assert live.sandbox("GET", "stats")["requests"] == 0
