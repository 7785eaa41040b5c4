"""The environment Airflow's processes run in: settings, secrets, and what the caller's own may add."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from embedded import postgres
from embedded.private_file import write_private
from embedded.secrets_file import Secrets
from embedded.settings import HOST, Settings

# Not passed on from the caller: these would bend the stack, or belong to another Airflow.
NEVER_PASSED = ("AIRFLOW_HOME", "AIRFLOW_CONFIG", "AIRFLOW__DATABASE__", "PG", "PYTHON")
# In the demo neither these: they win over the demo's own settings and may lead to the real API.
NOT_IN_DEMO = ("AIRFLOW_CONN_", "AIRFLOW_VAR_", "AIRFLOW__SECRETS__", "AIRFLOW__WORKERS__SECRETS_")
LOOPBACK = (HOST, "localhost")


def airflow_version() -> str:
    """Return the installed Airflow's version, without importing it."""
    return version("apache-airflow-core")


def build(
    settings: Settings, secrets: Secrets, caller: Mapping[str, str], *, is_demo: bool
) -> dict[str, str]:
    """Return all environment variables of Airflow's processes.

    Args:
        settings: Paths and ports.
        secrets: Passwords and keys.
        caller: The caller's environment, with `.env` under it where that counts.
        is_demo: Whether the stack must keep to the sandbox.
    """
    refused = (*NEVER_PASSED, *(NOT_IN_DEMO if is_demo else ()))
    passed = {name: value for name, value in caller.items() if not name.startswith(refused)}
    return {**_defaults(settings), **passed, **_fixed(settings, secrets), **_proxy_exceptions(passed)}


def write_password_file(settings: Settings, secrets: Secrets) -> None:
    """Write the password of Airflow's user `admin` where Airflow reads it."""
    write_private(_password_file(settings), json.dumps({"admin": secrets.admin_password}) + "\n")


def _defaults(settings: Settings) -> dict[str, str]:
    """Settings that the caller's AIRFLOW__* may change."""
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.root / "dags"),
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        # A name server may be slow or absent; nobody has to reach us by name.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        # A run has five steps, each of which waits for the scheduler to look; looking costs it 6 % of a core.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        # A task's end may be seen only at its next heartbeat; one deferred for less is then tried again.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    }


def _fixed(settings: Settings, secrets: Secrets) -> dict[str, str]:
    """Settings that hold the stack together."""
    database = postgres.url("airflow", secrets.postgres["airflow"], settings.pg_port, "airflow")
    return {
        "AIRFLOW_HOME": str(settings.airflow_home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(settings.root / "plugins"),
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{settings.ui_url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_password_file(settings)),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(settings.ui_port),
        "AIRFLOW__API__BASE_URL": settings.ui_url,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.api_secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.jwt_secret,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(settings.airflow_home / "logs"),
        "PYTHONPATH": str(settings.root / "plugins"),
        # The source tree stays clean. (A cache elsewhere would hide the compiled packages of .venv.)
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        # Airflow's CLI would say at each call that it cannot draw DAGs; nobody asked it to.
        "PYTHONWARNINGS": "ignore:Could not import graphviz",
    }


def _proxy_exceptions(caller: Mapping[str, str]) -> dict[str, str]:
    """Keep the calls between our own processes away from a proxy."""
    known = caller.get("NO_PROXY") or caller.get("no_proxy") or ""
    hosts = ",".join(dict.fromkeys([*filter(None, known.split(",")), *LOOPBACK]))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


def _password_file(settings: Settings) -> Path:
    return settings.airflow_home / "passwords.json"
