"""What the stack puts into Airflow through its API, where people see it: connections, pool, apps."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from embedded import sandbox_service
from embedded.airflow_api import AirflowApi
from embedded.errors import RefusedError, StackError
from embedded.settings import HOST
from embedded.stack import DAG_ID, DEMO, Stack

NEEDED_FOR_UP = {
    "AIRFLOW_CONN_AGORA_DASHBOARD": (
        '\'{"conn_type": "agora_dashboard", "login": "<Customer ID>", "password": "<Customer Certificate>"}\''
    ),
    "AIRFLOW_VAR_AGORA_APPS": '\'["<App ID>", "<another App ID>"]\'',
}
DAG_SECONDS = 120
# The port is in the address; without one here, Airflow 3.3's Test button answers "Bad Request".
NO_PORT = 0


def require_for_up(caller: Mapping[str, str]) -> None:
    """Refuse to start against the real API without an account and apps.

    Raises:
        RefusedError: It says what to write where.
    """
    missing = [name for name in NEEDED_FOR_UP if not caller.get(name)]
    if missing:
        lines = "\n".join(f"  {name}={NEEDED_FOR_UP[name]}" for name in missing)
        raise RefusedError(
            "`make up` needs an account of the real API and the apps to collect. Write into .env "
            f"(.env.example explains each), or set in the environment:\n{lines}\n"
            "To try it without an account: `make demo`."
        )


def apply(stack: Stack) -> None:
    """Put the stack's connections, pool and apps into Airflow."""
    api = stack.api
    api.create_pool("agora_api", 4, "bounds how many collecting tasks run at once")
    api.put_connection(
        "agora_warehouse",
        conn_type="postgres",
        host=HOST,
        port=stack.settings.pg_port,
        schema="warehouse",
        login="loader",
        password=stack.secrets.postgres["loader"],
        description="The local stack's warehouse, as the role that loads.",
    )
    if stack.mode == DEMO:
        _apply_sandbox(stack, api)


def unpause(stack: Stack, dag_id: str = DAG_ID) -> None:
    """Wait until Airflow has read a DAG, and let it run by its schedule."""
    api = stack.api
    deadline = time.monotonic() + DAG_SECONDS
    while not api.has_dag(dag_id):
        stack.require_running()
        errors = api.import_errors()
        if errors or time.monotonic() > deadline:
            reason = "\n".join(errors) or f"its file was not read within {DAG_SECONDS} s"
            raise StackError(f"Airflow does not know the DAG {dag_id}: {reason}")
        time.sleep(0.5)
    api.unpause(dag_id)


def _apply_sandbox(stack: Stack, api: AirflowApi) -> None:
    extra = {"timezone": "UTC", "window": "1 month", "requests_per_second": 50, "max_concurrency": 16}
    api.put_connection(
        "agora_dashboard",
        conn_type="agora_dashboard",
        host=f"{stack.settings.sandbox_url}/dev/v2",
        port=NO_PORT,
        login=stack.secrets.sandbox_customer_id,
        password=stack.secrets.sandbox_customer_certificate,
        extra=json.dumps(extra),
        description="The sandbox API of the demo.",
    )
    apps = sandbox_service.apps(stack.settings)
    first = apps[0]["app_id"]
    api.put_connection(
        "agora_push_stream",
        conn_type="agora_push_stream",
        host=f"{stack.settings.sandbox_url}/api/v1",
        port=NO_PORT,
        login=first,
        password=sandbox_service.app_certificates(stack.settings, stack.secrets)[first],
        description="The first app of the demo's sandbox.",
    )
    api.create_variable("agora_apps", json.dumps(apps, indent=2), "The apps whose bandwidth is collected.")
