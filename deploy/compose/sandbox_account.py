"""Connect an installation without a vendor account to the sandbox, and unpause the nightly DAG."""

from __future__ import annotations

import base64
import json
import os
import ssl
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.request import Request, urlopen

from airflow.models import Connection, DagModel, Variable
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

DAG_ID = "agora_bandwidth_daily"
DAG_SECONDS = 120
DESCRIPTION = "The sandbox API."
EXTRA = {"timezone": "UTC", "window": "1 month", "requests_per_second": 50, "max_concurrency": 16}


def main(environ: Mapping[str, str]) -> str | None:
    """Set up the sandbox's account, and return an error message, or None on success."""
    with create_session() as session:
        existing = session.scalar(select(Connection).where(Connection.conn_id == "agora_dashboard"))
        if existing is not None and existing.description != DESCRIPTION:
            return "The connection agora_dashboard already has an account, so the sandbox is not used."
        _connect_sandbox(session, environ)
    return _unpause()


def _connect_sandbox(session: Session, environ: Mapping[str, str]) -> None:
    url, ca_file = environ["AGORA_SANDBOX_URL"], environ["AGORA_SANDBOX_CA_FILE"]
    login, password = environ["AGORA_SANDBOX_CUSTOMER_ID"], environ["AGORA_SANDBOX_CUSTOMER_CERTIFICATE"]
    authorization = "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()
    apps = _get(f"{url}/_sandbox/apps", ca_file, authorization)
    certificates = _get(f"{url}/_sandbox/app-certificates", ca_file, authorization)
    first = apps[0]["app_id"]
    extra = {**EXTRA, "ca_file": ca_file}
    _put_connection(session, "agora_dashboard", f"{url}/dev/v2", login, password, extra)
    push_stream = {"ca_file": ca_file}
    _put_connection(session, "agora_push_stream", f"{url}/api/v1", first, certificates[first], push_stream)
    configured = [{"app_id": app["app_id"], "name": app["name"]} for app in apps]
    Variable.set("agora_apps", json.dumps(configured, indent=2), session=session)


def _put_connection(
    session: Session, conn_id: str, host: str, login: str, password: str, extra: Mapping[str, object]
) -> None:
    existing = session.scalar(select(Connection).where(Connection.conn_id == conn_id))
    connection = existing or Connection(conn_id=conn_id, conn_type=conn_id)
    connection.host, connection.login, connection.description = host, login, DESCRIPTION
    connection.set_password(password)
    connection.set_extra(json.dumps(extra))
    session.add(connection)


def _get(url: str, ca_file: str, authorization: str) -> Any:
    request = Request(url, headers={"Authorization": authorization})  # noqa: S310 - our own sandbox
    trusted = ssl.create_default_context(cafile=ca_file)
    with urlopen(request, timeout=30, context=trusted) as response:  # noqa: S310 - our own sandbox
        return json.loads(response.read())


def _unpause() -> str | None:
    """Unpause the nightly DAG once Airflow has parsed it. The schedule then starts a run immediately."""
    deadline = time.monotonic() + DAG_SECONDS
    while time.monotonic() < deadline:
        with create_session() as session:
            if (dag := session.get(DagModel, DAG_ID)) is not None:
                dag.is_paused = False
                return None
        time.sleep(2)
    return f"Airflow did not parse the DAG {DAG_ID} within {DAG_SECONDS} s."


if __name__ == "__main__":
    sys.exit(main(os.environ))
