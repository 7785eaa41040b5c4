"""The environment of Airflow's processes: what the caller may add, and what must not get in."""

from __future__ import annotations

import pytest

from embedded import airflow_env, configuration
from embedded.errors import StackError
from embedded.secrets_file import Secrets
from embedded.settings import ROOT, Settings

REAL = {
    "AIRFLOW_CONN_AGORA_DASHBOARD": "{}",
    "AIRFLOW_VAR_AGORA_APPS": "[]",
    "AIRFLOW__SECRETS__BACKEND": "elsewhere.Backend",
}


def test_the_demo_never_hears_of_the_real_account(settings: Settings, secrets: Secrets) -> None:
    built = airflow_env.build(settings, secrets, REAL, is_demo=True)
    assert not REAL.keys() & built.keys()


def test_up_passes_the_account_on(settings: Settings, secrets: Secrets) -> None:
    built = airflow_env.build(settings, secrets, REAL, is_demo=False)
    assert {name: built[name] for name in REAL} == REAL


def test_the_caller_changes_defaults_but_not_what_holds_the_stack_together(
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
    built = airflow_env.build(settings, secrets, caller, is_demo=False)
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
def test_up_without_account_or_apps_says_what_to_write_where(missing: str) -> None:
    configuration.require_for_up(REAL)
    with pytest.raises(StackError, match=rf"\.env.*\n  {missing}="):
        configuration.require_for_up({**REAL, missing: ""})
