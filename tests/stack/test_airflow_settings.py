"""Faulty settings in Airflow's database that no task can detect. The run and the Health view name each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from cryptography.fernet import Fernet

from tests.stack.stack import LiveStack

DAG_ID = "agora_bandwidth_daily"
ANOTHER_KEY = Fernet(Fernet.generate_key())
SECONDS = 60


def health_problems(live: LiveStack) -> list[str]:
    live.call("GET", "/api/v2/version")  # logs in
    request = Request(  # noqa: S310 - our own server
        f"{live.stack.settings.ui_url}/agora/bandwidth/api/health",
        headers={"Authorization": f"Bearer {live.api._token}"},
    )
    with urlopen(request, timeout=60) as response:  # noqa: S310 - our own server
        return list(json.loads(response.read())["problems"])


@contextmanager
def encrypted_with_another_key(live: LiveStack, table: str, column: str, where: str) -> Iterator[None]:
    """Store a value that is encrypted with another Fernet key."""
    ((before, was_encrypted),) = live.metadata(f"select {column}, is_encrypted from {table} where {where}")
    value = ANOTHER_KEY.encrypt(b"something else").decode()
    live.metadata(f"update {table} set {column} = '{value}', is_encrypted = true where {where}")
    try:
        yield
    finally:
        live.metadata(
            f"update {table} set {column} = '{before}', is_encrypted = {was_encrypted} where {where}"
        )


@pytest.mark.parametrize(
    "conn_id", ["agora_warehouse", pytest.param("agora_dashboard", marks=pytest.mark.full)]
)
def test_a_connection_encrypted_with_another_fernet_key_is_named(live: LiveStack, conn_id: str) -> None:
    with encrypted_with_another_key(live, "connection", "password", f"conn_id = '{conn_id}'"):
        run = live.trigger(DAG_ID)
        named = f"The connection {conn_id} was encrypted with another Fernet key."
        assert run.state == "failed"
        assert run.note.startswith(f"Result: {named}")
        assert f"There is no connection {conn_id} that Airflow can read." in run.note
        if conn_id != "agora_warehouse":  # the page needs the warehouse
            assert [problem.partition(" Start")[0] for problem in health_problems(live)] == [named]
    assert health_problems(live) == []
    assert live.trigger(DAG_ID).state == "success"


def test_a_variable_encrypted_with_another_fernet_key_is_named(live: LiveStack) -> None:
    with encrypted_with_another_key(live, "variable", "val", "key = 'agora_apps'"):
        run = live.trigger(DAG_ID)
        assert run.note.startswith("Result: The variable agora_apps was encrypted with another Fernet key")
        assert len(health_problems(live)) == 1


def test_unusable_contracts_are_named(live: LiveStack) -> None:
    live.call("POST", "/api/v2/variables", {"key": "agora_contracts", "value": '[{"method": "p95_kbps"}]'})
    try:
        (problem,) = health_problems(live)
        assert problem.startswith("The variable agora_contracts is not usable:")
        assert "billing_group" in problem
    finally:
        live.call("DELETE", "/api/v2/variables/agora_contracts")
    assert health_problems(live) == []


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        ("does not exist", "Create it"),
        pytest.param("has no slots", "Add slots", marks=pytest.mark.full),
    ],
)
def test_a_pool_without_slots_is_named_until_slots_are_added(
    live: LiveStack, fault: str, remedy: str
) -> None:
    pool = live.call("GET", "/api/v2/pools/agora_api")
    definition = {name: pool[name] for name in ("name", "slots", "description", "include_deferred")}
    live.call("DELETE", "/api/v2/pools/agora_api")
    if fault == "has no slots":
        live.call("POST", "/api/v2/pools", definition | {"slots": 0})
    try:
        run_id = live.call("POST", f"/api/v2/dags/{DAG_ID}/dagRuns", {"logical_date": None})["dag_run_id"]
        run = _waiting_run(live, run_id)
        assert run["state"] == "running"
        assert run["note"].startswith(
            f"Result: The pool agora_api {fault}, so Airflow does not start"
            f" {DAG_ID}.collect_bandwidth.collect. {remedy} under Admin, Pools"
        )
        (problem,) = health_problems(live)
        assert f"The pool agora_api {fault}" in problem
        assert "agora_push_stream_state.query" in problem
    finally:
        if fault == "has no slots":
            live.call("DELETE", "/api/v2/pools/agora_api")
        live.call("POST", "/api/v2/pools", definition)
    ended = live.wait_for_run(DAG_ID, run_id)
    assert ended.state == "success"
    assert "The pool" not in ended.note
    assert health_problems(live) == []


def _waiting_run(live: LiveStack, run_id: str) -> dict[str, str]:
    """Return the run once its collecting tasks are waiting."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        tasks = live.api.task_instances(DAG_ID, run_id)
        if "scheduled" in [t["state"] for t in tasks if t["task_id"].endswith(".collect")]:
            return live.call("GET", f"/api/v2/dags/{DAG_ID}/dagRuns/{quote(run_id)}")
        time.sleep(0.5)
    pytest.fail("No collecting task was scheduled within a minute.")
