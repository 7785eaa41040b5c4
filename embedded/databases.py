"""Brings the schemas of both databases up to date: Airflow's by Airflow, the warehouse's by us."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from agora.warehouse.migrate import migrate
from agora.warehouse.roles import connect
from embedded import postgres
from embedded.airflow_env import airflow_version
from embedded.errors import StackError
from embedded.processes import MARKER, tail
from embedded.secrets_file import Secrets
from embedded.settings import HOST, Settings


def upgrade(settings: Settings, secrets: Secrets, airflow_environment: Mapping[str, str]) -> None:
    """Bring both schemas up to date, at the same time."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        warehouse = pool.submit(_upgrade_warehouse, settings, secrets)
        _upgrade_airflow(settings, secrets, airflow_environment)
        warehouse.result()


def _upgrade_warehouse(settings: Settings, secrets: Secrets) -> None:
    try:
        migrate(postgres.url("owner", secrets.postgres["owner"], settings.pg_port, "warehouse"))
    except Exception as error:
        log = settings.log_dir / "warehouse-migrate.log"
        log.write_text(traceback.format_exc())
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StackError(
            f"The warehouse's schema could not be brought up to date: {reason} More is in {log}."
        ) from error


def _upgrade_airflow(settings: Settings, secrets: Secrets, environment: Mapping[str, str]) -> None:
    """Run Airflow's migration where it has something to do: without that, too, it would take seconds."""
    if settings.state_file.read().get("airflow_schema") == _airflow_schema(settings, secrets):
        return
    log = settings.log_dir / "airflow-migrate.log"
    with log.open("wb") as output:
        answer = subprocess.run(
            [sys.executable, "-P", "-m", "airflow", "db", "migrate"],
            env={**environment, MARKER: str(settings.state)},
            cwd=settings.state,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if answer.returncode:
        raise StackError(
            f"Airflow's database could not be brought up to date. The end of {log}:\n{tail(log)}"
        )
    settings.state_file.remember(airflow_schema=_airflow_schema(settings, secrets))


def _airflow_schema(settings: Settings, secrets: Secrets) -> list[str]:
    """Return the installed version, and the revision the database is at: it may be new, or restored."""
    password = secrets.postgres["airflow"]
    with (
        connect(HOST, settings.pg_port, "airflow", password, "airflow") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select to_regclass('alembic_version') is not null")
        if cursor.fetchone() == (True,):
            cursor.execute("select version_num from alembic_version order by version_num")
        return [airflow_version(), *(row[0] for row in cursor)]
