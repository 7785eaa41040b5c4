"""Makes an installation ready, before every start; what is there already is left as it is.

Roles and databases of the PostgreSQL server, the schemas of both databases, Airflow's first user, and what
the DAGs need: the pool, and the connections and variables that the environment names.
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
from agora.warehouse.migrate import migrate
from distributed import first_user, seeds

PATIENCE_SECONDS = 120


def main(environ: Mapping[str, str]) -> str | None:
    """Do it all; return what went wrong."""
    try:
        # First, so that nothing is half done where one of them cannot be read.
        named = seeds.read(environ)
        _prepare_server(environ)
        _say("the warehouse's schema")
        _migrate(environ)
        _say("Airflow's schema")
        if subprocess.run(["airflow", "db", "migrate"], check=False).returncode:
            return "Airflow's database could not be brought up to date; the reason stands above."
        _say("Airflow's first user")
        first_user.create(environ)
        _say("pool, connections, variables")
        for line in seeds.sow(named):
            _say(f"  {line}")
    except (WarehouseError, seeds.UnreadableError) as error:
        return f"{error}"
    _say("ready")
    return None


def _prepare_server(environ: Mapping[str, str]) -> None:
    """Create roles and databases, or leave that to those who run the server.

    Raises:
        WarehouseError: The server does not answer, or refuses.
    """
    password = environ.get("AGORA_POSTGRES_PASSWORD")
    if not password:
        _say("roles and databases: left to those who run the server")
        return
    _say("roles and databases")
    host, port = _server(environ)
    passwords = {role: environ[f"AGORA_{role.upper()}_PASSWORD"] for role in roles.ROLES}
    with explaining_db_errors(f"{roles.SUPERUSER}@{host}:{port}/postgres"):
        _wait_for_server(host, port, password)
        with roles.connect(host, port, roles.SUPERUSER, password, "postgres") as connection:
            roles.create_all(connection, passwords)


def _wait_for_server(host: str, port: int, password: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with roles.connect(host, port, roles.SUPERUSER, password, "postgres"):
                return
        except psycopg2.OperationalError as error:
            is_login = str(getattr(error, "sqlstate", "")).startswith("28")
            if is_login or time.monotonic() > deadline:
                raise
            time.sleep(1)


def _migrate(environ: Mapping[str, str]) -> None:
    host, port = _server(environ)
    password = environ["AGORA_OWNER_PASSWORD"]
    with explaining_db_errors(f"owner@{host}:{port}/warehouse"):
        migrate(URL.create("postgresql+psycopg2", "owner", password, host, port, "warehouse"))


def _server(environ: Mapping[str, str]) -> tuple[str, int]:
    return environ["AGORA_DATABASE_HOST"], int(environ["AGORA_DATABASE_PORT"])


def _say(what: str) -> None:
    print(f"init: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main(os.environ))
