"""The SQLSTATE of a refused connection: libpq has only the server's words, which may be in any language."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import asyncpg
import psycopg2
from sqlalchemy.engine import URL

ENOUGH_SECONDS = 5.0  # for a server that has just refused
TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl")


@contextmanager
def refusal(parameters: Mapping[str, Any]) -> Iterator[None]:
    """Add the SQLSTATE, as `sqlstate`, to the error of a connection that does not come about in the `with`.

    It takes a second login, so a server that counts failed ones counts two.

    Args:
        parameters: What psycopg2 was given: host, port, user, password, dbname and those of TLS.

    Raises:
        psycopg2.OperationalError: The one of the `with`.
    """
    try:
        yield
    except psycopg2.OperationalError as error:
        with ThreadPoolExecutor(1) as thread:  # the caller's own may be running an event loop
            error.sqlstate = thread.submit(asyncio.run, _sqlstate(parameters)).result()  # type: ignore[attr-defined]
        raise


async def _sqlstate(parameters: Mapping[str, Any]) -> str | None:
    url = URL.create(
        "postgresql",
        parameters.get("user"),
        parameters.get("password"),
        parameters.get("host"),
        int(parameters["port"]) if parameters.get("port") else None,
        parameters.get("dbname"),
        {name: parameters[name] for name in TLS if name in parameters},
    )
    try:
        connection = await asyncpg.connect(url.render_as_string(hide_password=False), timeout=ENOUGH_SECONDS)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    except Exception:  # no answer at all, or TLS: libpq's own words say which
        return None
    with suppress(Exception):
        await connection.close(timeout=ENOUGH_SECONDS)
    return None
