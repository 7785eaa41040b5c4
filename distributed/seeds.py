"""What the DAGs need in Airflow's database: the pool, and the environment's connections and variables.

Each is put there once. From then on the UI decides, so that a credential is changed without a restart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airflow.models import Connection, Pool, Variable
from airflow.utils.session import create_session
from sqlalchemy import select
from sqlalchemy.orm import Session

CONNECTION, VARIABLE = "AIRFLOW_CONN_", "AIRFLOW_VAR_"
POOL, SLOTS, WHY_POOL = "agora_api", 4, "bounds how many collecting tasks run at once"


def sow(environ: Mapping[str, str]) -> Iterator[str]:
    """Add what is absent; yield a line for each thing that the environment names."""
    with create_session() as session:
        if session.scalar(select(Pool).where(Pool.pool == POOL)) is None:
            session.add(Pool(pool=POOL, slots=SLOTS, description=WHY_POOL, include_deferred=False))
        for name, value in sorted(environ.items()):
            if value and name.startswith(CONNECTION):
                yield _connection(session, name.removeprefix(CONNECTION).lower(), value)
            elif value and name.startswith(VARIABLE):
                yield _variable(session, name.removeprefix(VARIABLE).lower(), value)


def _connection(session: Session, conn_id: str, value: str) -> str:
    known = session.scalar(select(Connection).where(Connection.conn_id == conn_id))
    if known is None:
        is_json = value.startswith("{")
        session.add(Connection.from_json(value, conn_id) if is_json else Connection(conn_id, uri=value))
    return _said("connection", conn_id, is_new=known is None)


def _variable(session: Session, key: str, value: str) -> str:
    known = session.scalar(select(Variable).where(Variable.key == key))
    if known is None:
        session.add(Variable(key, value))  # type: ignore[no-untyped-call]
    return _said("variable", key, is_new=known is None)


def _said(kind: str, name: str, *, is_new: bool) -> str:
    return f"{kind} {name}: {'added' if is_new else 'is there already, change it in the UI'}"
