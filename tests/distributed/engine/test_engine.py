"""An engine started for the tests leaves nothing behind, even if the tests are killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.distributed.engine import keeper
from tests.distributed.engine.engine import Engine
from tests.support.paths import ROOT

STARTS_AND_WAITS = """
import sys, time
sys.path[:0] = ["plugins", "."]
from tests.distributed.engine.engine import running_engine
with running_engine() as engine:
    print(engine._environment["DOCKER_CONFIG"], flush=True)
    time.sleep(600)
"""


def traces() -> set[str]:
    """Return the bridges and packet filter rules in the networks of the tests' engines."""
    outputs = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for command in (["ip", "-o", "-4", "addr"], ["iptables-save"])
    ]
    ours = tuple(f" 10.{network}." for network in keeper.NETWORKS)
    return {line for line in "".join(outputs).splitlines() if any(address in line for address in ours)}


def test_an_engine_whose_owner_is_killed_leaves_no_trace(engine: Engine) -> None:
    if not engine.is_own:
        pytest.skip("The engine here was not started for the tests.")
    before = traces()
    owner = subprocess.Popen(
        [sys.executable, "-c", STARTS_AND_WAITS], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    home = Path(owner.stdout.readline().strip()).parent
    assert len(traces() - before) == 4
    assert home.is_dir()

    owner.kill()
    owner.wait()
    owner.stdout.close()

    deadline = time.monotonic() + 60
    while home.exists() or traces() != before:
        assert time.monotonic() < deadline, (home, traces() - before)
        time.sleep(0.2)
