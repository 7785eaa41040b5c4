"""Settings in Airflow's database that stop collecting and that no task can see: pools and the Fernet key."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from airflow.models.connection import Connection
from airflow.models.crypto import get_fernet
from airflow.models.dag import DagModel
from airflow.models.pool import Pool
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.variable import Variable
from airflow.utils.session import create_session
from cryptography.fernet import InvalidToken
from sqlalchemy import or_, select, union
from sqlalchemy.orm import Session

from agora.errors import AgoraError, FernetKeyChanged, PoolMissing

OURS = "agora_"


def all_problems() -> list[str]:
    """Return the problems of all our DAGs."""
    with create_session() as session:
        ours = select(DagModel.dag_id).where(DagModel.dag_id.startswith(OURS), DagModel.is_stale.is_(False))
        return problems(session, session.scalars(ours))


def problems(session: Session, dag_ids: Iterable[str]) -> list[str]:
    """Return a text for each pool that these DAGs lack, and for each secret of another Fernet key."""
    found: list[AgoraError] = [*_missing_pools(session, [*dag_ids]), *_undecryptable(session)]
    return [str(problem) for problem in found]


def _missing_pools(session: Session, dag_ids: list[str]) -> Iterator[PoolMissing]:
    slots = {pool.pool: pool.slots for pool in session.scalars(select(Pool))}
    waiting: dict[str, list[str]] = {}
    for stored in SerializedDagModel.get_latest_serialized_dags(dag_ids=dag_ids, session=session):
        for task in stored.dag.tasks:
            if not slots.get(task.pool):
                waiting.setdefault(task.pool, []).append(f"{stored.dag_id}.{task.task_id}")
    for pool, tasks in waiting.items():
        lack, remedy = ("has no slots", "Give it some") if pool in slots else ("does not exist", "Create it")
        yield PoolMissing(
            f"The pool {pool} {lack}, so Airflow does not start {', '.join(sorted(tasks))}. {remedy} under"
            f" Admin, Pools, or with `airflow pools set {pool} 4 collecting`. The tasks then start."
        )


def _undecryptable(session: Session) -> Iterator[FernetKeyChanged]:
    # Columns, not objects: a connection that cannot be decrypted cannot be loaded either.
    ours = or_(Connection.conn_id.startswith(OURS), Connection.conn_type.startswith(OURS))
    passwords = select(Connection.conn_id, Connection._password).where(ours, Connection.is_encrypted)
    extras = select(Connection.conn_id, Connection._extra).where(ours, Connection.is_extra_encrypted)
    values = select(Variable.key, Variable._val).where(Variable.key.startswith(OURS), Variable.is_encrypted)
    for kind, prefix, query in (
        ("connection", "AIRFLOW_CONN_", union(passwords, extras)),
        ("variable", "AIRFLOW_VAR_", values),
    ):
        unreadable = {name for name, value in session.execute(query) if value and not _is_readable(value)}
        for name in sorted(unreadable):
            if prefix + name.upper() not in os.environ:  # which wins over what is stored
                yield _of_another_key(f"{kind} {name}")


def _is_readable(value: str) -> bool:
    fernet = get_fernet()
    try:
        fernet.decrypt(value.encode())
    except InvalidToken:
        return False
    return bool(fernet.is_encrypted)  # not so without any key


def _of_another_key(what: str) -> FernetKeyChanged:
    return FernetKeyChanged(
        f"The {what} is stored with another Fernet key than Airflow has now. Start Airflow with both keys,"
        " AIRFLOW__CORE__FERNET_KEY=<new>,<old>, or delete it and create it again."
    )
