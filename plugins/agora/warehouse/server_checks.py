"""Refuses a server that may lose what it acknowledged; that an interruption is harmless stands on it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

from agora.errors import WarehouseError

# In the session that loads: synchronous_commit can be another one for each role, database and connection.
SWITCHED_OFF = """
select name, source, quote_ident(current_user), quote_ident(current_database())
from pg_settings
where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off'
order by name
"""

CONFIGURATION = ("in the server's configuration", "ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf();")
# By pg_settings.source: where the setting stands, and what mends it there.
PLACES = {
    "command line": ("on the server's command line", "start the server without {name}=off;"),
    "global": ("for all roles", "ALTER ROLE ALL SET {name} = on;"),
    "database": ("for the database {database}", "ALTER DATABASE {database} SET {name} = on;"),
    "user": ("for the role {role}", "ALTER ROLE {role} SET {name} = on;"),
    "database user": (
        "for the role {role} in the database {database}",
        "ALTER ROLE {role} IN DATABASE {database} SET {name} = on;",
    ),
    "client": ("in the connection's own options", "take {name} out of them (or out of PGOPTIONS);"),
}


def require_durable(engine: Engine) -> Engine:
    """Let an engine refuse every connection on which a commit might not outlive a crash.

    It costs one query a connection, which is what a task opens one or two of.

    Args:
        engine: On psycopg2.

    Returns:
        The same engine; it raises WarehouseError instead of connecting.
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
    said, mended = [], []
    for name, source, role, database in found:
        where, how = PLACES.get(source, CONFIGURATION)
        said.append(f"{name} is off {where.format(role=role, database=database)}")
        mended.append(how.format(name=name, role=role, database=database))
    return (
        f"The warehouse's server may lose what it acknowledged: {', '.join(said)}. Nothing more is"
        f" written. To mend it, as a superuser: {' '.join(mended)}"
    )
