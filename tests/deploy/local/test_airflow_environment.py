"""The environment of Airflow's processes: which of the caller's variables are included and which excluded."""

from __future__ import annotations

import pytest

from deploy.local.airflow_environment import build_environment
from deploy.local.airflow_setup import require_account
from deploy.local.errors import StackError
from deploy.local.secret_files import Secrets
from deploy.local.settings import Settings
from tests.support.paths import ROOT

REAL = {
    "AIRFLOW_CONN_AGORA_DASHBOARD": "{}",
    "AIRFLOW_VAR_AGORA_APPS": "[]",
    "AIRFLOW__SECRETS__BACKEND": "elsewhere.Backend",
}


def test_the_demo_excludes_the_real_account(settings: Settings, secrets: Secrets) -> None:
    built = build_environment(settings, secrets, REAL, is_demo=True)
    assert not REAL.keys() & built.keys()


def test_up_includes_the_account(settings: Settings, secrets: Secrets) -> None:
    built = build_environment(settings, secrets, REAL, is_demo=False)
    assert {name: built[name] for name in REAL} == REAL


def test_the_caller_overrides_defaults_but_not_required_settings(
    settings: Settings, secrets: Secrets
) -> None:
    caller = {
        "AIRFLOW__CORE__PARALLELISM": "3",
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "AIRFLOW_HOME": "/elsewhere",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": "cat /elsewhere",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "sqlite://",
        "AIRFLOW__API__HOST": "192.0.2.1",
        "PYTHONPATH": "/elsewhere",
        "PGSSLMODE": "require",
        "NO_PROXY": "internal.example",
    }
    built = build_environment(settings, secrets, caller, is_demo=False)
    assert built["AIRFLOW__CORE__PARALLELISM"] == "3"
    assert built["AIRFLOW__METRICS__OTEL_ON"] == "True"
    assert built["AIRFLOW_HOME"] == str(settings.airflow_home)
    assert built["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql+psycopg2://airflow:")
    assert "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD" not in built
    assert built["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert "PGSSLMODE" not in built
    assert built["PYTHONPATH"] == str(ROOT / "plugins")
    assert built["NO_PROXY"] == "internal.example,127.0.0.1,localhost"


@pytest.mark.parametrize("missing", ["AIRFLOW_CONN_AGORA_DASHBOARD", "AIRFLOW_VAR_AGORA_APPS"])
def test_up_without_account_or_apps_names_the_missing_variable(missing: str) -> None:
    require_account(REAL)
    with pytest.raises(StackError, match=rf"\.env.*\n  {missing}="):
        require_account({**REAL, missing: ""})
