"""How a route answers: JSON, read in one read-only transaction, or an error said in words."""

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

# A request that goes on holds one of the page's few threads (pool.py).
LIMITS = "set local lock_timeout = '5s'; set local statement_timeout = '20s'"


@contextmanager
def reading() -> Iterator[Connection]:
    """Give a connection to the warehouse on which all queries see the same moment and none can write.

    A connection is made for each request, so a changed password counts at once.

    Raises:
        SettingsError: There is no connection agora_warehouse.
        WarehouseError: The warehouse is unreachable, or refuses a query.
    """
    with (
        warehouse() as engine,
        engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        ) as connection,
    ):
        _limit(connection)
        yield connection


@contextmanager
def writing() -> Iterator[Connection]:
    """Give a connection to the warehouse in a transaction, which is committed at the end of the `with`.

    Raises:
        SettingsError: There is no connection agora_warehouse.
        WarehouseError: The warehouse is unreachable, or refuses a statement.
    """
    with warehouse() as engine, engine.begin() as connection:
        _limit(connection)
        yield connection


def _limit(connection: Connection) -> None:
    connection.execute(text(LIMITS))


def json_of(content: Any) -> Response:
    """Answer with JSON; dates are ISO 8601, an absent number is null. Kept by nobody on the way."""
    body = orjson.dumps(content, default=float)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})


def explain(request: Request, error: Exception) -> Response:
    """Answer 503 with the error's own words: every AgoraError here is about what lies behind the page."""
    if not isinstance(error, AgoraError):
        raise error
    return Response(orjson.dumps({"detail": str(error)}), 503, RETRY_AFTER, media_type="application/json")
