"""Finds the SQLSTATE of a refused connection. libpq provides only a message, which may be translated."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psycopg2

LOGIN_SECONDS = 5.0  # enough for a server that has just refused a login
TLS = ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl")


@contextmanager
def adding_sqlstate(parameters: Mapping[str, Any]) -> Iterator[None]:
    """Set the attribute `sqlstate` on the error if connecting fails inside the `with` block.

    Finding the SQLSTATE takes a second login, so the server counts two failed logins.

    Args:
        parameters: Connection parameters: host, port, user, password, dbname and the TLS parameters.

    Raises:
        psycopg2.OperationalError: The original error.
    """
    try:
        yield
    except psycopg2.OperationalError as error:
        with ThreadPoolExecutor(1) as thread:  # the caller's thread may be running an event loop
            error.sqlstate = thread.submit(asyncio.run, _sqlstate(parameters)).result()  # type: ignore[attr-defined]
        raise


async def _sqlstate(parameters: Mapping[str, Any]) -> str | None:
    # Only a refused login needs these two.
    import asyncpg
    from sqlalchemy.engine import URL

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
        connection = await asyncpg.connect(url.render_as_string(hide_password=False), timeout=LOGIN_SECONDS)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    except Exception:  # no response, or a TLS error, which libpq's message explains
        return None
    with suppress(Exception):
        await connection.close(timeout=LOGIN_SECONDS)
    return None
