"""Prepare an installation before every start: databases, schemas, Airflow's first user, connections.

Later starts create only missing items. They do not change existing users, connections or variables, which are
managed in Airflow's UI.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping

import psycopg2
from sqlalchemy.engine import URL

from agora.errors import WarehouseError
from agora.warehouse import roles
from agora.warehouse.db_errors import explaining_db_errors
from agora.warehouse.migrations.migrate import migrate
from deploy.compose import initial_connections

SERVER_SECONDS = 120


def main(environ: Mapping[str, str]) -> str | None:
    """Prepare the installation, and return an error message, or None on success."""
    try:
        # Parsed first, so that a malformed connection stops the command before anything is changed.
        initial = initial_connections.parse(environ)
        _create_databases(environ)
        _report("the warehouse's schema")
        _migrate_warehouse(environ)
        _report("Airflow's schema")
        if subprocess.run(["airflow", "db", "migrate"], check=False).returncode:
            return "The migration of Airflow's database failed. The lines above give the reason."
        _report("Airflow's first user")
        _create_first_user(environ["AGORA_ADMIN_USER"], environ["AGORA_ADMIN_PASSWORD"])
        _report("pool, connections, variables")
        for line in initial_connections.add_missing(initial):
            _report(f"  {line}")
    except (WarehouseError, initial_connections.MalformedConnectionError) as error:
        return f"{error}"
    _report("ready")
    return None


def _create_databases(environ: Mapping[str, str]) -> None:
    """Create roles and databases, unless the server's administrator manages them.

    Raises:
        WarehouseError: The server does not respond, or rejects the connection.
    """
    password = environ.get("AGORA_POSTGRES_PASSWORD")
    if not password:
        _report("roles and databases: skipped, the server's administrator creates them")
        return
    _report("roles and databases")
    host, port = _server(environ)
    passwords = {role: environ[f"AGORA_{role.upper()}_PASSWORD"] for role in roles.ROLES}
    with explaining_db_errors(f"{roles.SUPERUSER}@{host}:{port}/postgres"):
        _wait_for_server(host, port, password)
        with roles.connect(host, port, roles.SUPERUSER, password, "postgres") as connection:
            roles.create_all(connection, passwords)


def _wait_for_server(host: str, port: int, password: str) -> None:
    deadline = time.monotonic() + SERVER_SECONDS
    while True:
        try:
            with roles.connect(host, port, roles.SUPERUSER, password, "postgres"):
                return
        except psycopg2.OperationalError as error:
            is_rejected_login = str(getattr(error, "sqlstate", "")).startswith("28")
            if is_rejected_login or time.monotonic() > deadline:
                raise
            time.sleep(1)


def _migrate_warehouse(environ: Mapping[str, str]) -> None:
    host, port = _server(environ)
    password = environ["AGORA_OWNER_PASSWORD"]
    with explaining_db_errors(f"owner@{host}:{port}/warehouse"):
        migrate(URL.create("postgresql+psycopg2", "owner", password, host, port, "warehouse"))


def _create_first_user(name: str, password: str) -> None:
    """Create the administrator, unless the user exists. A password that was changed in the UI is kept."""
    # Imported here, because the import requires a migrated metadata database.
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded

    @providers_configuration_loaded
    def create() -> None:
        with get_application_builder() as builder:
            users = builder.sm
            if not users.find_user(name):
                users.add_user(name, name, "", f"{name}@localhost", users.find_role("Admin"), password)

    create()


def _server(environ: Mapping[str, str]) -> tuple[str, int]:
    return environ["AGORA_DATABASE_HOST"], int(environ["AGORA_DATABASE_PORT"])


def _report(text: str) -> None:
    print(f"init: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(os.environ))
