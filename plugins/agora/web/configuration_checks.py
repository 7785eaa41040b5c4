"""Find missing pools, undecryptable secrets and unusable contracts before any task can report them."""

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

from agora.dag_support.dag_defaults import TAG
from agora.errors import AgoraError, FernetKeyChanged, PoolMissing, SettingsError
from agora.settings.contracts import CONTRACTS_VARIABLE, parse_contracts

PREFIX = "agora_"  # starts the name of each Agora connection and variable


def find_all_problems() -> list[str]:
    """Return the configuration problems of every Agora DAG."""
    with create_session() as session:
        dag_ids = select(DagModel.dag_id).where(DagModel.tags.any(name=TAG), DagModel.is_stale.is_(False))
        found = find_problems(session, session.scalars(dag_ids))
    return [*found, *map(str, _unusable_contracts())]


def find_problems(session: Session, dag_ids: Iterable[str]) -> list[str]:
    """Return a message for each pool that these DAGs lack and each secret that Airflow cannot decrypt."""
    problems: list[AgoraError] = [*_missing_pools(session, [*dag_ids]), *_undecryptable_secrets(session)]
    return [str(problem) for problem in problems]


def _unusable_contracts() -> Iterator[SettingsError]:
    value = Variable.get_variable_from_secrets(CONTRACTS_VARIABLE)
    if value is not None:
        try:
            parse_contracts(value)
        except SettingsError as error:
            yield error


def _missing_pools(session: Session, dag_ids: list[str]) -> Iterator[PoolMissing]:
    slots = {pool.pool: pool.slots for pool in session.scalars(select(Pool))}
    waiting: dict[str, list[str]] = {}
    for stored in SerializedDagModel.get_latest_serialized_dags(dag_ids=dag_ids, session=session):
        for task in stored.dag.tasks:
            if not slots.get(task.pool):
                waiting.setdefault(task.pool, []).append(f"{stored.dag_id}.{task.task_id}")
    for pool, tasks in waiting.items():
        problem, remedy = ("has no slots", "Add slots") if pool in slots else ("does not exist", "Create it")
        yield PoolMissing(
            f"The pool {pool} {problem}, so Airflow does not start {', '.join(sorted(tasks))}. {remedy} under"
            f" Admin, Pools, or run `airflow pools set {pool} 4 collecting`. The tasks then start."
        )


def _undecryptable_secrets(session: Session) -> Iterator[FernetKeyChanged]:
    # Selects columns, because an undecryptable connection cannot be loaded as an object.
    ours = or_(Connection.conn_id.startswith(PREFIX), Connection.conn_type.startswith(PREFIX))
    passwords = select(Connection.conn_id, Connection._password).where(ours, Connection.is_encrypted)
    extras = select(Connection.conn_id, Connection._extra).where(ours, Connection.is_extra_encrypted)
    values = select(Variable.key, Variable._val).where(Variable.key.startswith(PREFIX), Variable.is_encrypted)
    for kind, prefix, query in (
        ("connection", "AIRFLOW_CONN_", union(passwords, extras)),
        ("variable", "AIRFLOW_VAR_", values),
    ):
        names = {name for name, value in session.execute(query) if value and not _is_readable(value)}
        for name in sorted(names):
            if prefix + name.upper() not in os.environ:  # the environment overrides the stored value
                yield _fernet_key_changed(f"{kind} {name}")


def _is_readable(value: str) -> bool:
    fernet = get_fernet()
    try:
        fernet.decrypt(value.encode())
    except InvalidToken:
        return False
    return bool(fernet.is_encrypted)  # False if there is no Fernet key


def _fernet_key_changed(secret: str) -> FernetKeyChanged:
    return FernetKeyChanged(
        f"The {secret} was encrypted with another Fernet key. Start Airflow with both keys"
        " (AIRFLOW__CORE__FERNET_KEY=<new>,<old>), or delete the secret and create it again."
    )
