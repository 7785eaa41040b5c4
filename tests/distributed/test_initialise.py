"""`init`, which runs before every start, creates what is absent, keeps what exists and reports errors."""

from __future__ import annotations

from subprocess import CompletedProcess

import pytest

from deploy.local.settings import free_port
from tests.distributed.live import Live
from tests.distributed.plain import Installation

IMPATIENT = """
import os, sys
from deploy.compose import initialise
initialise.SERVER_SECONDS = 2
sys.exit(initialise.main(os.environ))
"""
SET_IN_THE_UI = {
    "ab_user": "select username, first_name, password from ab_user",
    "slot_pool": "select pool, slots from slot_pool",
    "connection": "select * from connection",
    "variable": "select * from variable",
}


def progress(result: CompletedProcess[str]) -> list[str]:
    return [line.removeprefix("init: ") for line in result.stdout.splitlines() if line.startswith("init: ")]


def error_message(result: CompletedProcess[str], installation: Installation) -> str:
    """Return the error message with which `init` ended, without a traceback and without secrets."""
    assert result.returncode == 1, result.stdout
    output = result.stdout + result.stderr
    assert "Traceback" not in output
    for name, value in installation.variables.items():
        assert not name.endswith(("PASSWORD", "KEY", "SECRET", "CERTIFICATE")) or value not in output
    return result.stderr.splitlines()[-1]


def test_the_first_start_creates_everything(first_start: CompletedProcess[str], session_live: Live) -> None:
    assert first_start.returncode == 0, first_start.stderr
    assert progress(first_start)[-4:] == [
        "  connection agora_second: added",
        "  connection agora_third: added",
        "  variable agora_kept: added",
        "ready",
    ]
    live = session_live
    assert live.metadata("select username from ab_user") == [("admin",)]
    assert live.metadata("select slots from slot_pool where pool = 'agora_api'") == [(4,)]
    assert live.metadata(
        "select conn_id, conn_type, host, login, is_encrypted from connection"
        " where conn_id not in ('agora_dashboard', 'agora_push_stream') order by conn_id"
    ) == [
        ("agora_second", "agora_dashboard", None, "second", True),
        ("agora_third", "postgres", "localhost", "somebody", True),
    ]


def test_a_later_start_keeps_changes_made_in_the_ui(live: Live) -> None:
    set_slots(live, 3)
    live.call("PATCH", "/api/v2/variables/agora_kept", {"key": "agora_kept", "value": "of the UI"})
    connection = {"connection_id": "agora_second", "conn_type": "agora_dashboard", "login": "changed"}
    live.call("PATCH", "/api/v2/connections/agora_second?update_mask=login", connection)
    live.call("PATCH", "/auth/fab/v1/users/admin?update_mask=first_name", {"first_name": "Ada"})
    before = {table: sorted(live.metadata(query), key=str) for table, query in SET_IN_THE_UI.items()}

    again = live.installation.run("init")

    assert again.returncode == 0, again.stderr
    assert progress(again)[-4:] == [
        "  connection agora_second: already exists, so change it in the UI",
        "  connection agora_third: already exists, so change it in the UI",
        "  variable agora_kept: already exists, so change it in the UI",
        "ready",
    ]
    after = {table: sorted(live.metadata(query), key=str) for table, query in SET_IN_THE_UI.items()}
    assert after == before
    assert ("admin", "Ada") in {user[:2] for user in after["ab_user"]}
    set_slots(live, 4)


def set_slots(live: Live, slots: int) -> None:
    pool = {"pool": "agora_api", "slots": slots, "include_deferred": False}
    live.call("PATCH", "/api/v2/pools/agora_api?update_mask=slots", pool)


def test_without_the_superuser_roles_and_databases_are_skipped(session_live: Live) -> None:
    result = session_live.installation.run("init", AGORA_POSTGRES_PASSWORD="")

    assert result.returncode == 0, result.stderr
    assert progress(result)[0] == "roles and databases: skipped, the server's administrator creates them"
    assert progress(result)[-1] == "ready"


@pytest.mark.parametrize("superuser", ["", "is given"])
def test_an_unreachable_server_is_named(
    installation: Installation, first_start: CompletedProcess[str], superuser: str
) -> None:
    port = str(free_port())
    result = installation.run(
        "init", "python", "-c", IMPATIENT, AGORA_DATABASE_PORT=port, AGORA_POSTGRES_PASSWORD=superuser
    )

    assert f"@127.0.0.1:{port}/" in (sentence := error_message(result, installation))
    assert "does not respond" in sentence


@pytest.mark.parametrize("role", ["postgres", "owner"])
def test_a_refused_password_is_reported(
    installation: Installation, first_start: CompletedProcess[str], role: str
) -> None:
    wrong = {"AGORA_POSTGRES_PASSWORD": "", f"AGORA_{role.upper()}_PASSWORD": "wrong-0123456789"}
    result = installation.run("init", **wrong)

    sentence = error_message(result, installation)
    assert sentence.startswith(f"The warehouse ({role}@")
    assert "refuses the login or the password" in sentence
    assert "wrong-0123456789" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    "value",
    [
        '{"conn_type": "agora_dashboard", "password": "hidden-0123456789"',
        '{"conn_type": "agora_dashboard", "hosts": ["hidden-0123456789"]}',
        "hidden-0123456789",
    ],
)
def test_an_invalid_connection_is_named_without_its_value(
    installation: Installation, first_start: CompletedProcess[str], value: str
) -> None:
    result = installation.run("init", AIRFLOW_CONN_AGORA_FOURTH=value)

    assert error_message(result, installation).startswith("AIRFLOW_CONN_AGORA_FOURTH is not a connection.")
    assert "hidden-0123456789" not in result.stdout + result.stderr
    assert progress(result) == []  # init stopped before its first step
