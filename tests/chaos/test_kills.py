"""A few kills and the reports of killed children; `make chaos`, which every release check runs, does many."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

# Runs in its own process, because a fork would share this process's threads and connections.
FEW = """
import random
from tests.chaos import bad_loader, kills
from tests.chaos.site import site

with site(random.Random(11)) as good:
    for strike in (kills.kill_collector, kills.crash_server):
        outcome = kills.run(good, strike, 4, lambda outcome: None)
        assert outcome.is_sound, outcome
        assert outcome.kills == 4
        assert outcome.acknowledged > 0
with site(random.Random(11), load=bad_loader.load) as bad:
    outcome = kills.run(bad, kills.kill_collector, 300, lambda outcome: None, until_found=True)
    assert outcome.findings.counts["mixed"] > 0
"""


@pytest.mark.full
def test_kills_damage_nothing_in_the_product_but_are_detected_in_the_bad_loader() -> None:
    completed = subprocess.run(
        [sys.executable, "-c", FEW],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.returncode == 0, completed.stderr
