"""Tests do not see the variables of the shell that starts them, in one process or in several."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

OF_THE_CALLER = (
    *("AGORA_LOCAL_DIR", "AGORA_UI_PORT", "AGORA_PG_PORT", "AGORA_SANDBOX_PORT", "AGORA_PG_BIN"),
    *("AGORA_WAREHOUSE_OWNER_URL", "AGORA_IMAGE", "AIRFLOW_HOME", "AIRFLOW__CORE__FERNET_KEY"),
    *("AIRFLOW_CONN_AGORA_DASHBOARD", "AIRFLOW_VAR_AGORA_APPS", "PGHOST", "PGPASSWORD", "PGOPTIONS"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SANDBOX_CUSTOMER_ID", "OTEL_EXPORTER_OTLP_ENDPOINT", "COMPOSE_FILE", "CI"),
)
OF_THE_TESTS = ("AGORA_CONTRACT_APP_ID", "AGORA_PICTURES_DIR")


@pytest.mark.parametrize("processes", ["0", "2"])
def test_tests_do_not_see_variables_of_a_hostile_shell(processes: str) -> None:
    hostile = dict.fromkeys(OF_THE_CALLER, "of the caller") | dict.fromkeys(OF_THE_TESTS, "of the tests")
    seen = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "tests/deploy/local/seen_environment.py",
                "-q",
                "-n",
                processes,
            ),
            *("-p", "no:schemathesis"),  # half of the time to start
        ],
        cwd=ROOT,
        env={**os.environ, **hostile},
        capture_output=True,
        text=True,
        check=False,
    )
    assert seen.returncode == 0, seen.stdout + seen.stderr
    assert "2 passed" in seen.stdout
