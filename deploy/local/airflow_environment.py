"""Environment variables for Airflow's processes: settings, secrets, and the caller's own variables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from deploy.local.postgres_server import database_url
from deploy.local.secret_files import Secrets, write_private
from deploy.local.settings import HOST, Settings

# Variables with these prefixes would break the stack, or belong to another Airflow installation.
NEVER_PASSED = ("AIRFLOW_HOME", "AIRFLOW_CONFIG", "AIRFLOW__DATABASE__", "PG", "PYTHON")
# These variables would override the demo's settings, and the demo could call the real API.
NOT_IN_DEMO = ("AIRFLOW_CONN_", "AIRFLOW_VAR_", "AIRFLOW__SECRETS__", "AIRFLOW__WORKERS__SECRETS_")
LOOPBACK = (HOST, "localhost")


def airflow_version() -> str:
    """Return the version of the installed Airflow without importing Airflow."""
    return version("apache-airflow-core")


def build_environment(
    settings: Settings, secrets: Secrets, caller: Mapping[str, str], *, is_demo: bool
) -> dict[str, str]:
    """Return all environment variables for Airflow's processes.

    Args:
        settings: Paths and ports.
        secrets: Passwords and keys.
        caller: The caller's environment. In mode `up`, it includes the variables from `.env`.
        is_demo: Whether the stack must call only the sandbox.
    """
    excluded = (*NEVER_PASSED, *(NOT_IN_DEMO if is_demo else ()))
    passed = {name: value for name, value in caller.items() if not name.startswith(excluded)}
    return {**_defaults(settings), **passed, **_fixed(settings, secrets), **_proxy_exceptions(passed)}


def write_password_file(settings: Settings, secrets: Secrets) -> None:
    """Write the file from which Airflow reads the password of its user `admin`."""
    write_private(_password_file(settings), json.dumps({"admin": secrets.admin_password}) + "\n")


def _defaults(settings: Settings) -> dict[str, str]:
    """Return the settings that the caller's AIRFLOW__* variables may override."""
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": str(settings.root / "dags"),
        "AIRFLOW__CORE__PARALLELISM": "8",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        # Airflow's default queries the name server, which may be slow or missing.
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        # Each of a run's five steps waits for the scheduler's next loop. This interval costs 6 % of a core.
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.25",
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        # Airflow may notice only at the next heartbeat that a task has deferred. If the deferral ends
        # earlier, Airflow retries the task.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
    }


def _fixed(settings: Settings, secrets: Secrets) -> dict[str, str]:
    """Return the settings that the stack depends on, which the caller cannot override."""
    database = database_url("airflow", secrets.postgres["airflow"], settings.pg_port, "airflow")
    return {
        "AIRFLOW_HOME": str(settings.airflow_home),
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
        # Use this checkout's code, even if .venv was installed from another checkout.
        "PYTHONPATH": str(settings.root / "plugins"),
        "PYTHONUNBUFFERED": "1",
        # Without this filter, every Airflow CLI command warns that it cannot draw DAGs.
        "PYTHONWARNINGS": "ignore:Could not import graphviz",
    }


def _proxy_exceptions(caller: Mapping[str, str]) -> dict[str, str]:
    """Exempt calls between the stack's own processes from any proxy."""
    known = caller.get("NO_PROXY") or caller.get("no_proxy") or ""
    hosts = ",".join(dict.fromkeys([*filter(None, known.split(",")), *LOOPBACK]))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


def _password_file(settings: Settings) -> Path:
    return settings.airflow_home / "passwords.json"
