"""Add the initial pool, connections and variables to Airflow's database.

Connections and variables come from the environment. Each one is added only once. Make later changes in
Airflow's UI. They take effect without a restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow.models import Connection, Pool, Variable
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

CONNECTION, VARIABLE = "AIRFLOW_CONN_", "AIRFLOW_VAR_"
POOL, SLOTS, POOL_DESCRIPTION = "agora_api", 4, "Limits how many collecting tasks run at once."


class MalformedConnectionError(Exception):
    """An AIRFLOW_CONN_* variable is not a valid connection. The message names it but omits the value."""


@dataclass(frozen=True)
class InitialConnections:
    """Connections and variables from the environment."""

    connections: list[Connection]
    variables: dict[str, str]


def parse(environ: Mapping[str, str]) -> InitialConnections:
    """Parse the AIRFLOW_CONN_* and AIRFLOW_VAR_* variables, and ignore empty variables.

    Raises:
        MalformedConnectionError: The value of an AIRFLOW_CONN_* variable is not a valid connection.
    """
    given = {name: value for name, value in sorted(environ.items()) if value}
    return InitialConnections(
        [_parse_connection(name, value) for name, value in given.items() if name.startswith(CONNECTION)],
        {_key(name, VARIABLE): value for name, value in given.items() if name.startswith(VARIABLE)},
    )


def add_missing(initial: InitialConnections) -> Iterator[str]:
    """Add the missing pool, connections and variables, and yield one line per connection and variable."""
    with create_session() as session:
        if session.scalar(select(Pool).where(Pool.pool == POOL)) is None:
            session.add(Pool(pool=POOL, slots=SLOTS, description=POOL_DESCRIPTION, include_deferred=False))
        for connection in initial.connections:
            yield _add_connection(session, connection)
        for key, value in initial.variables.items():
            yield _add_variable(session, key, value)


def _parse_connection(name: str, value: str) -> Connection:
    conn_id = _key(name, CONNECTION)
    try:
        is_json = value.startswith("{")
        connection = Connection.from_json(value, conn_id) if is_json else Connection(conn_id, uri=value)
    except Exception:
        # The exception's message may contain the password.
        connection = None
    if connection is None or not connection.conn_type:
        raise MalformedConnectionError(
            f"{name} is not a connection. Write a JSON object with conn_type, host, login and so on,"
            " or a URI, type://login:…@host:port/schema. .env.example has examples."
        )
    return connection


def _add_connection(session: Session, connection: Connection) -> str:
    existing = session.scalar(select(Connection).where(Connection.conn_id == connection.conn_id))
    if existing is None:
        session.add(connection)
    return _result("connection", str(connection.conn_id), is_new=existing is None)


def _add_variable(session: Session, key: str, value: str) -> str:
    existing = session.scalar(select(Variable).where(Variable.key == key))
    if existing is None:
        session.add(Variable(key, value))  # type: ignore[no-untyped-call]
    return _result("variable", key, is_new=existing is None)


def _key(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower()


def _result(kind: str, name: str, *, is_new: bool) -> str:
    return f"{kind} {name}: {'added' if is_new else 'already exists, so change it in the UI'}"
