"""What the DAGs need in Airflow's database: the pool, and the environment's connections and variables.

Each is put there once. From then on the UI decides, so that a credential is changed without a restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow.models import Connection, Pool, Variable
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

CONNECTION, VARIABLE = "AIRFLOW_CONN_", "AIRFLOW_VAR_"
POOL, SLOTS, WHY_POOL = "agora_api", 4, "bounds how many collecting tasks run at once"


class UnreadableError(Exception):
    """A variable of the environment does not say what it should; the text names it, not what it says."""


@dataclass(frozen=True)
class Seeds:
    """What the environment names."""

    connections: list[Connection]
    variables: dict[str, str]


def read(environ: Mapping[str, str]) -> Seeds:
    """Read the environment's connections and variables; an empty one is none.

    Raises:
        UnreadableError: One is no connection.
    """
    given = {name: value for name, value in sorted(environ.items()) if value}
    return Seeds(
        [_connection(name, value) for name, value in given.items() if name.startswith(CONNECTION)],
        {_key(name, VARIABLE): value for name, value in given.items() if name.startswith(VARIABLE)},
    )


def sow(seeds: Seeds) -> Iterator[str]:
    """Add what is absent; yield a line for each thing that the environment names."""
    with create_session() as session:
        if session.scalar(select(Pool).where(Pool.pool == POOL)) is None:
            session.add(Pool(pool=POOL, slots=SLOTS, description=WHY_POOL, include_deferred=False))
        for connection in seeds.connections:
            yield _add_connection(session, connection)
        for key, value in seeds.variables.items():
            yield _add_variable(session, key, value)


def _connection(name: str, value: str) -> Connection:
    conn_id = _key(name, CONNECTION)
    try:
        is_json = value.startswith("{")
        connection = Connection.from_json(value, conn_id) if is_json else Connection(conn_id, uri=value)
    except Exception:
        # Whatever it is, its text may have the password in it.
        connection = None
    if connection is None or not connection.conn_type:
        raise UnreadableError(
            f"{name} is no connection. As JSON it is an object with conn_type, host, login and so on;"
            " otherwise an address, type://login:…@host:port/schema. .env.example has examples."
        )
    return connection


def _add_connection(session: Session, connection: Connection) -> str:
    known = session.scalar(select(Connection).where(Connection.conn_id == connection.conn_id))
    if known is None:
        session.add(connection)
    return _said("connection", str(connection.conn_id), is_new=known is None)


def _add_variable(session: Session, key: str, value: str) -> str:
    known = session.scalar(select(Variable).where(Variable.key == key))
    if known is None:
        session.add(Variable(key, value))  # type: ignore[no-untyped-call]
    return _said("variable", key, is_new=known is None)


def _key(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).lower()


def _said(kind: str, name: str, *, is_new: bool) -> str:
    return f"{kind} {name}: {'added' if is_new else 'is there already, change it in the UI'}"
