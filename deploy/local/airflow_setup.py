"""Set up Airflow through its API: pool, connections, the variable `agora_apps`, and the DAG's schedule."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

from deploy.local import demo_script, sandbox_service
from deploy.local.airflow_api import AirflowApi
from deploy.local.errors import RefusedError, StackError
from deploy.local.settings import HOST
from deploy.local.stack import DAG_ID, DEMO, Stack

REQUIRED_BY_UP = {
    "AIRFLOW_CONN_AGORA_DASHBOARD": (
        '\'{"conn_type": "agora_dashboard", "login": "<Customer ID>", "password": "<Customer Certificate>"}\''
    ),
    "AIRFLOW_VAR_AGORA_APPS": '\'["<App ID>", "<another App ID>"]\'',
}
DAG_SECONDS = 120
# The host includes the port. Without a value here, Airflow 3.3's Test button reports "Bad Request".
NO_PORT = 0


def require_account(caller: Mapping[str, str]) -> None:
    """Refuse to start against the real API without an account and apps.

    Raises:
        RefusedError: The message lists the lines to add to `.env`.
    """
    missing = [name for name in REQUIRED_BY_UP if not caller.get(name)]
    if missing:
        lines = "\n".join(f"  {name}={REQUIRED_BY_UP[name]}" for name in missing)
        raise RefusedError(
            "`make up` needs an account for the real API and the apps to collect. Add these variables to "
            f".env (.env.example explains them) or to the environment:\n{lines}\n"
            "Without an account, run `make demo`."
        )


def set_up_airflow(stack: Stack) -> None:
    """Create the pool, the connections and, in the demo, the list of apps."""
    api = stack.api
    api.create_pool("agora_api", 4, "Limits how many collecting tasks run at once.")
    api.put_connection(
        "agora_warehouse",
        conn_type="postgres",
        host=HOST,
        port=stack.settings.pg_port,
        schema="warehouse",
        login="loader",
        password=stack.secrets.postgres["loader"],
        description="The local stack's warehouse, as the loader role.",
    )
    if stack.mode == DEMO:
        _connect_sandbox(stack, api)


def unpause(stack: Stack, dag_id: str = DAG_ID) -> None:
    """Wait until Airflow has parsed a DAG, then let it run on its schedule.

    Raises:
        StackError: Airflow reports an import error, or does not parse the DAG in time.
    """
    api = stack.api
    deadline = time.monotonic() + DAG_SECONDS
    while not api.has_dag(dag_id):
        stack.require_running()
        errors = api.import_errors()
        if errors or time.monotonic() > deadline:
            reason = "\n".join(errors) or f"its file was not parsed within {DAG_SECONDS} s"
            raise StackError(f"Airflow has not loaded the DAG {dag_id}: {reason}")
        time.sleep(0.5)
    api.unpause(dag_id)


def _connect_sandbox(stack: Stack, api: AirflowApi) -> None:
    extra = {"timezone": "UTC", "window": "1 month", "requests_per_second": 50, "max_concurrency": 16}
    api.put_connection(
        "agora_dashboard",
        conn_type="agora_dashboard",
        host=f"{stack.settings.sandbox_url}/dev/v2",
        port=NO_PORT,
        login=stack.secrets.sandbox_customer_id,
        password=stack.secrets.sandbox_customer_certificate,
        extra=json.dumps(extra),
        description="The demo's sandbox API.",
    )
    apps = sandbox_service.fetch_apps(stack.settings)
    first = apps[0]["app_id"]
    api.put_connection(
        "agora_push_stream",
        conn_type="agora_push_stream",
        host=f"{stack.settings.sandbox_url}/api/v1",
        port=NO_PORT,
        login=first,
        password=sandbox_service.fetch_app_certificates(stack.settings, stack.secrets)[first],
        description="The sandbox's first app.",
    )
    configured = demo_script.configured_apps(apps)
    api.create_variable("agora_apps", configured, "The apps whose bandwidth is collected.")
    contracts = json.dumps([demo_script.CONTRACT], indent=2)
    api.create_variable("agora_contracts", contracts, "The contract of each billing group.")
