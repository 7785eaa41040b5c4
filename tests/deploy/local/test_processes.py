"""Services as processes: started once, never confused with other processes, stopped with all children."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local import processes
from deploy.local.errors import StackError
from deploy.local.processes import MARKER, Record, Service, find_process, processes_with_variable, start_id

# Children in the same session, in a process group of their own, and in a session of their own.
FAMILY = """
import os, subprocess, sys, time
subprocess.Popen(["sleep", "300"])
subprocess.Popen(["sleep", "300"], process_group=0)
subprocess.Popen(["sleep", "300"], start_new_session=True)
print("ready", flush=True)
time.sleep(300)
"""
CHILDLESS = "import time; print('ready', flush=True); time.sleep(300)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); "


@pytest.fixture
def state(tmp_path: Path) -> Path:
    (tmp_path / "log").mkdir()
    (tmp_path / "run").mkdir()
    return tmp_path


def service(state: Path, code: str = FAMILY, **environment: str) -> Service:
    return Service("family", [sys.executable, "-c", code], {**os.environ, **environment}, state)


def started(state: Path, code: str = FAMILY) -> Service:
    made = service(state, code)
    assert made.start()
    deadline = time.monotonic() + 10
    while "ready" not in made.log.read_text() and time.monotonic() < deadline:
        time.sleep(0.02)
    return made


def ours(state: Path) -> list[int]:
    return [process.pid for process in processes_with_variable(MARKER, str(state))]


def leader(state: Path) -> int:
    found = Record("family", state).leader()
    assert found
    return int(found.pid)


def stop_all(state: Path, grace: float = 0.2) -> None:
    processes.stop({"family": grace}, state)
    processes.stop_strays(state)


def test_stop_leaves_nothing(state: Path) -> None:
    started(state)
    assert len(ours(state)) == 4
    stop_all(state)
    assert ours(state) == []
    assert list((state / "run").iterdir()) == []


def test_stop_leaves_nothing_after_kill_9_of_the_leader(state: Path) -> None:
    started(state)
    os.kill(leader(state), signal.SIGKILL)
    stop_all(state)
    assert ours(state) == []


def test_stop_leaves_nothing_when_the_record_is_lost(state: Path) -> None:
    started(state)
    Record("family", state).remove()
    stop_all(state)
    assert ours(state) == []


def test_stop_kills_a_service_that_ignores_sigterm(state: Path) -> None:
    started(state, STUBBORN + "time.sleep(300)")
    stop_all(state)
    assert ours(state) == []


def test_a_running_service_is_not_started_again(state: Path) -> None:
    made = started(state)
    before = leader(state)
    assert not made.start()
    assert leader(state) == before
    stop_all(state)


def test_a_service_with_other_settings_is_restarted(state: Path) -> None:
    started(state, CHILDLESS)
    before = leader(state)
    assert service(state, CHILDLESS, AIRFLOW__CORE__PARALLELISM="3").start()
    assert leader(state) != before
    stop_all(state)


def test_a_reused_process_id_is_not_ours(state: Path) -> None:
    with subprocess.Popen(["sleep", "300"], start_new_session=True) as stranger:
        known = find_process(stranger.pid)
        assert known
        record = {"pid": stranger.pid, "started": start_id(known) + "0", "fingerprint": ""}
        Record("family", state).path.write_text(json.dumps(record))
        assert not service(state).is_running()
        stop_all(state)
        assert stranger.poll() is None
        stranger.kill()


def test_a_record_from_before_a_reboot_matches_no_process(state: Path) -> None:
    with subprocess.Popen(["sleep", "300"], start_new_session=True) as stranger:
        known = find_process(stranger.pid)
        assert known
        earlier = "another-boot/" + start_id(known).rpartition("/")[2]
        record = {"pid": stranger.pid, "started": earlier, "fingerprint": ""}
        Record("family", state).path.write_text(json.dumps(record))
        assert Record("family", state).members() == []
        stop_all(state)
        assert stranger.poll() is None
        stranger.kill()


def test_a_service_that_ended_is_reported_with_the_end_of_its_log(state: Path) -> None:
    made = started(state, "import sys; sys.exit('ready, but no such table')")
    deadline = time.monotonic() + 10
    while made.is_running() and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(StackError, match="no such table"):
        made.require_running()
