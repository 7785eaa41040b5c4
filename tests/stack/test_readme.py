"""The README's commands, run exactly as printed, against a collected month."""

from __future__ import annotations

import os
import re
import shlex
import subprocess

import pytest

from tests.stack.stack import LiveStack
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^(bin/(?:psql|airflow) .*)$", README, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_readme_command_works(session_stack: LiveStack, command: str) -> None:
    done = subprocess.run(
        shlex.split(command),
        cwd=ROOT,
        env={**os.environ, "AGORA_LOCAL_DIR": str(session_stack.stack.settings.state)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr
    assert len(done.stdout.splitlines()) >= 3


def test_the_readme_has_commands() -> None:
    assert len(COMMANDS) >= 5
