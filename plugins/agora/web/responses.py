"""Database transactions of the routes, and their JSON and error responses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from fastapi import Request, Response
from sqlalchemy import Connection, text

from agora.errors import AgoraError
from agora.hooks.warehouse import warehouse
from agora.web.thread_pool import RETRY_AFTER

# A slow query occupies one of the page's few threads (thread_pool.py).
TIMEOUTS = text("set local lock_timeout = '5s'; set local statement_timeout = '20s'")


@contextmanager
def reading() -> Iterator[Connection]:
    """Yield a read-only connection to the warehouse, on which all queries see the same snapshot.

    Each request opens a new connection, so a changed password takes effect immediately.

    Raises:
        SettingsError: The connection `agora_warehouse` does not exist.
        WarehouseError: The warehouse is unreachable or rejects a query.
    """
    with (
        warehouse() as engine,
        engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        ) as connection,
    ):
        connection.execute(TIMEOUTS)
        yield connection


@contextmanager
def writing() -> Iterator[Connection]:
    """Yield a connection to the warehouse in a transaction that is committed at the end of the `with` block.

    Raises:
        SettingsError: The connection `agora_warehouse` does not exist.
        WarehouseError: The warehouse is unreachable or rejects a statement.
    """
    with warehouse() as engine, engine.begin() as connection:
        connection.execute(TIMEOUTS)
        yield connection


def json_response(content: Any) -> Response:
    """Return JSON that no proxy or browser caches. Dates are in ISO 8601, and absent numbers are null."""
    body = orjson.dumps(content, default=float)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def csv_response(text: str, name: str) -> Response:
    """Return a CSV file that no proxy or browser caches."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


def unavailable(request: Request, error: Exception) -> Response:
    """Return 503 with the error's message: every AgoraError here concerns the warehouse or its settings."""
    if not isinstance(error, AgoraError):
        raise error
    return Response(orjson.dumps({"detail": str(error)}), 503, RETRY_AFTER, media_type="application/json")
