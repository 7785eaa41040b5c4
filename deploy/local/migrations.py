"""Migrate the schemas of both databases: Airflow's metadata database and the warehouse."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.roles import connect
from deploy.local.airflow_environment import airflow_version
from deploy.local.errors import StackError
from deploy.local.postgres_server import database_url
from deploy.local.processes import MARKER, tail
from deploy.local.secret_files import Secrets
from deploy.local.settings import HOST, Settings


def migrate_both(settings: Settings, secrets: Secrets, airflow_environment: Mapping[str, str]) -> None:
    """Migrate both schemas at the same time.

    Raises:
        StackError: A migration failed. The message names the log file.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        warehouse = pool.submit(_migrate_warehouse, settings, secrets)
        _migrate_airflow(settings, secrets, airflow_environment)
        warehouse.result()


def _migrate_warehouse(settings: Settings, secrets: Secrets) -> None:
    try:
        migrate(database_url("owner", secrets.postgres["owner"], settings.pg_port, "warehouse"))
    except Exception as error:
        log = settings.log_dir / "warehouse-migrate.log"
        log.write_text(traceback.format_exc())
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise StackError(
            f"The migration of the warehouse failed: {reason} The traceback is in {log}."
        ) from error


def _migrate_airflow(settings: Settings, secrets: Secrets, environment: Mapping[str, str]) -> None:
    """Run Airflow's migration only if necessary, because even an unnecessary migration takes seconds."""
    if settings.state_file.read().get("airflow_schema") == _airflow_schema(settings, secrets):
        return
    log = settings.log_dir / "airflow-migrate.log"
    with log.open("wb") as output:
        result = subprocess.run(
            [sys.executable, "-P", "-m", "airflow", "db", "migrate"],
            env={**environment, MARKER: str(settings.state)},
            cwd=settings.state,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if result.returncode:
        raise StackError(f"The migration of Airflow's database failed. The last lines of {log}:\n{tail(log)}")
    settings.state_file.update(airflow_schema=_airflow_schema(settings, secrets))


def _airflow_schema(settings: Settings, secrets: Secrets) -> list[str]:
    """Return Airflow's version and the database's revision, which differs in a new or restored database."""
    password = secrets.postgres["airflow"]
    with (
        connect(HOST, settings.pg_port, "airflow", password, "airflow") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("select to_regclass('alembic_version') is not null")
        if cursor.fetchone() == (True,):
            cursor.execute("select version_num from alembic_version order by version_num")
        return [airflow_version(), *(row[0] for row in cursor)]
