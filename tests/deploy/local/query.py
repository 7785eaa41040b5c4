"""Queries in a database of the local stack, as one of its roles."""

from __future__ import annotations

from agora.warehouse import roles
from deploy.local.secret_files import Secrets
from deploy.local.settings import HOST, Settings


def query(
    settings: Settings, secrets: Secrets, role: str, database: str, statement: str
) -> list[tuple[object, ...]]:
    password = secrets.postgres[role]
    with (
        roles.connect(HOST, settings.pg_port, role, password, database) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []
