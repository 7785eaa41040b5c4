"""Tests that only tests/deploy/local/test_isolation.py runs, in a hostile shell."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


@pytest.mark.parametrize("number", range(2))
def test_neither_the_test_nor_its_child_sees_the_callers_variables(number: int) -> None:
    child = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True)
    for environment in (dict(os.environ), json.loads(child.stdout)):
        assert [name for name, value in environment.items() if value == "of the caller"] == []
        assert [name for name, value in environment.items() if value == "of the tests"] == [
            "AGORA_CONTRACT_APP_ID",
            "AGORA_PICTURES_DIR",
        ]
