"""Rejects servers that may lose acknowledged commits, so that interruptions are harmless."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

from agora.errors import WarehouseError

# The settings are read in the loading session, because synchronous_commit may differ by role, database
# and connection.
SWITCHED_OFF = """
select name, source, quote_ident(current_user), quote_ident(current_database())
from pg_settings
where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'
order by name
"""

CONFIGURATION = ("in the server's configuration", "ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();")
# Where a setting was made and how to correct it, by pg_settings.source.
PLACES = {
    "command line": ("on the server's command line", "start the server without {name}=off;"),
    "global": ("for all roles", "ALTER ROLE ALL SET {name} = on;"),
    "database": ("for the database {database}", "ALTER DATABASE {database} SET {name} = on;"),
    "user": ("for the role {role}", "ALTER ROLE {role} SET {name} = on;"),
    "database user": (
        "for the role {role} in the database {database}",
        "ALTER ROLE {role} IN DATABASE {database} SET {name} = on;",
    ),
    "client": ("in the connection's own options", "remove {name} from the options (or from PGOPTIONS);"),
}


def require_durable_server(engine: Engine) -> Engine:
    """Make an engine refuse connections on which a commit might not survive a crash.

    The check costs one query per connection. A task opens one or two connections.

    Args:
        engine: Engine that uses psycopg2.

    Returns:
        The engine. It raises WarehouseError instead of opening such a connection.
    """
    event.listen(engine, "connect", _require)
    return engine


def _require(connection: Any, _record: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SWITCHED_OFF)
        found = cursor.fetchall()
    connection.rollback()
    if found:
        raise WarehouseError(_message(found))


def _message(found: list[tuple[str, str, str, str]]) -> str:
    causes, remedies = [], []
    for name, source, role, database in found:
        where, how = PLACES.get(source, CONFIGURATION)
        causes.append(f"{name} is off {where.format(role=role, database=database)}")
        remedies.append(how.format(name=name, role=role, database=database))
    return (
        f"The warehouse's server may lose acknowledged commits: {', '.join(causes)}. Nothing"
        f" was written. As a superuser: {' '.join(remedies)}"
    )
