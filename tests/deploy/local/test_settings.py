"""Paths and ports of a stack: where they are read from, and which are refused."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from deploy.local.errors import PortTakenError, StackError
from deploy.local.settings import Settings, require_free_port
from tests.support.paths import ROOT


def test_default_ports_and_directory() -> None:
    settings = Settings.from_environment({"AGORA_LOCAL_DIR": "no-such-directory"})
    assert settings.ports == {"ui": 8080, "pg": 54320, "sandbox": 8090}
    assert settings.state == ROOT / "no-such-directory"
    assert Settings.from_environment({}).state == ROOT / ".local"


def test_ports_of_the_first_start_are_stored_and_the_environment_wins(settings: Settings) -> None:
    here = {"AGORA_LOCAL_DIR": str(settings.state)}
    assert Settings.from_environment(here).ports == settings.ports
    moved = Settings.from_environment({**here, "AGORA_UI_PORT": "12345"})
    assert moved.ports == {**settings.ports, "ui": 12345}


@pytest.mark.parametrize("text", ["http", "80", "70000", "-1", "٨٠٨٠", "8080.0"])
def test_a_value_that_is_not_a_port_is_refused_with_the_variable(text: str) -> None:
    with pytest.raises(StackError, match="AGORA_UI_PORT"):
        Settings.from_environment({"AGORA_UI_PORT": text})


def test_one_port_for_two_services_is_refused() -> None:
    with pytest.raises(StackError, match="three different ports"):
        Settings.from_environment({"AGORA_UI_PORT": "9000", "AGORA_PG_PORT": "9000"})


@pytest.mark.parametrize("address", ["127.0.0.1", ""], ids=["loopback", "everywhere"])
def test_a_taken_port_is_named_with_the_variable_that_changes_it(address: str) -> None:
    with socket.socket() as taken:
        taken.bind((address, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"port {port}, .* Airflow .* AGORA_UI_PORT="):
            require_free_port(port, "Airflow", "AGORA_UI_PORT")
    require_free_port(port, "Airflow", "AGORA_UI_PORT")


def test_an_unreadable_state_file_is_reported_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("[")
    with pytest.raises(StackError, match="make clean"):
        Settings.from_environment({"AGORA_LOCAL_DIR": str(tmp_path)})
