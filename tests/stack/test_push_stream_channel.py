"""Channels are started, updated and stopped through Airflow, and every refusal states a remedy."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from deploy.local import sandbox_service
from deploy.local.airflow_api import ApiError
from tests.stack.stack import LiveStack, Run
from tests.stack.test_credentials import logs_and_tables

DAG = "agora_push_stream_channel"
URLS = ["rtmp://live.example.com/app/one", "rtmps://live.example.com/app/two"]


def trigger_action(live: LiveStack, action: str, cname: str = "lobby", **conf: Any) -> Run:
    return live.trigger(DAG, {"action": action, "cname": cname, **conf})


def pushed(live: LiveStack) -> list[tuple[str, list[str], list[int]]]:
    channels = live.sandbox("GET", "channels")["channels"]
    return [(channel["cname"], channel["urls"], channel["uids"]) for channel in channels]


def test_start_update_and_stop_from_the_command_line(live: LiveStack) -> None:
    steps: list[tuple[dict[str, Any], list[tuple[str, list[str], list[int]]]]] = [
        ({"action": "start", "urls": URLS}, [("lobby", URLS, [])]),
        ({"action": "update", "uids": [6496936, 6285261]}, [("lobby", URLS, [6496936, 6285261])]),
        ({"action": "stop"}, []),
    ]
    for conf, expected in steps:
        run_id = f"by-hand-{conf['action']}"
        live.airflow_cli(
            *("dags", "trigger", DAG, "--run-id", run_id),
            *("--conf", json.dumps({"cname": "lobby", **conf})),
        )
        run = live.wait_for_run(DAG, run_id)
        assert run.state == "success", run.note
        assert run.by_task() == {"call": "success"}
        assert pushed(live) == expected

        result = live.return_value(run, "call")
        channel = expected[0] if expected else ("lobby", [], [])
        assert (result["cname"], result["urls"], result["uids"]) == channel
        assert 'Response: {"cname": "lobby"' in run.note
        assert all(url in run.note for url in result["urls"])


def test_taken_and_unknown_channel_names_are_refused(live: LiveStack) -> None:
    trigger_action(live, "start", urls=URLS)
    taken = trigger_action(live, "start", urls=URLS[:1])
    unknown = [trigger_action(live, "update", "nobody", urls=URLS), trigger_action(live, "stop", "nobody")]

    about = f"App {live.app_ids[0]}, connection agora_push_stream: HTTP"
    assert_refused(taken, f"Channel lobby, {about} 409 from the vendor: Conflicted channel names.")
    assert "Update it, stop it, or choose another name" in taken.note
    for run in unknown:
        assert_refused(run, f"Channel nobody, {about} 404 from the vendor: Channel not found.")
        assert "Check the name, or start the channel" in run.note
    assert pushed(live) == [("lobby", URLS, [])]


def assert_refused(run: Run, message: str) -> None:
    assert (run.state, run.by_task()) == ("failed", {"call": "failed"})
    assert [task["try_number"] for task in run.tasks] == [1]
    assert message in run.note
    assert "See docs/runbook.md#" in run.note


def test_a_wrong_certificate_and_a_malformed_request_are_refused(live: LiveStack) -> None:
    live.call(
        "POST",
        "/api/v2/connections",
        {
            "connection_id": "other_app",
            "conn_type": "agora_push_stream",
            "host": f"{live.stack.settings.sandbox_url}/api/v1",
            "login": live.app_ids[0],
            "password": "0123456789abcdef0123456789abcdef",
        },
    )
    try:
        refused = trigger_action(live, "stop", conn_id="other_app")
    finally:
        live.call("DELETE", "/api/v2/connections/other_app")
    assert_refused(refused, "connection other_app: HTTP 401 from the vendor: Unauthorized.")
    assert (
        "Fix the connection other_app: login is the App ID and password its App Certificate" in refused.note
    )

    live.sandbox("PUT", "faults", [{"call": "channel", "kind": "status", "status": 400}])
    malformed = trigger_action(live, "start", urls=URLS)
    assert_refused(malformed, "HTTP 400 from the vendor: ")
    assert live.sandbox("GET", "channels")["starts"] == 0


def test_a_start_whose_response_is_lost_is_not_repeated(live: LiveStack) -> None:
    live.sandbox("PUT", "faults", [{"call": "channel", "kind": "disconnect", "times": 1}])

    run = trigger_action(live, "start", urls=URLS)

    assert_refused(run, "Channel lobby, ")
    assert "may have taken effect" in run.note
    assert "See docs/runbook.md#outcome-unknown" in run.note
    assert pushed(live) == [("lobby", URLS, [])]
    assert live.sandbox("GET", "channels")["requests"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "restart"},
        {"cname": ""},
        {"cname": "x" * 65},
        {"cname": "Straße"},
        {"urls": ["http://live.example.com/app"]},
        {"urls": ["rtmp://live.example.com/a b"]},
        {"urls": "rtmp://live.example.com/app"},
        {"uids": [0]},
        {"uids": [-1]},
        {"uids": ["0"]},
        {"uids": ["one"]},
        {"uids": [1.5]},
        {"uids": [2**32]},
    ],
    ids=str,
)
def test_invalid_form_values_start_no_run(live: LiveStack, wrong: dict[str, Any]) -> None:
    conf = {"action": "update", "cname": "lobby", "urls": URLS, **wrong}
    with pytest.raises(ApiError) as raised:
        live.call("POST", f"/api/v2/dags/{DAG}/dagRuns", {"logical_date": None, "conf": conf})
    assert raised.value.status == 400
    assert live.sandbox("GET", "channels")["requests"] == 0


def test_invalid_combinations_are_refused_before_any_request(live: LiveStack) -> None:
    empty = trigger_action(live, "update")
    hosts = trigger_action(live, "start", urls=URLS, uids=[1])
    nowhere = trigger_action(live, "stop", conn_id="nowhere")

    assert "Channel lobby: urls and uids are both empty" in empty.note
    assert "Channel lobby: uids are only for update" in hosts.note
    assert "There is no connection nowhere" in nowhere.note
    assert {run.state for run in (empty, hosts, nowhere)} == {"failed"}
    assert live.sandbox("GET", "channels")["requests"] == 0


def test_no_certificate_or_key_is_logged_or_stored(live: LiveStack) -> None:
    stack = live.stack
    certificate = sandbox_service.fetch_app_certificates(stack.settings, stack.secrets)[live.app_ids[0]]
    key = re.compile("004[0-9a-f]{40}" + live.app_ids[0])
    trigger_action(live, "start", urls=URLS)
    trigger_action(live, "update", "nobody", urls=URLS)

    texts = dict(logs_and_tables(live))

    assert any(URLS[0] in text for text in texts.values()), "the search works"
    assert [where for where, text in texts.items() if certificate in text or key.search(text)] == []
