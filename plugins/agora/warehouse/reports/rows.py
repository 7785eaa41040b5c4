"""Rows of a query as dictionaries, which is what JSON is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

Row = dict[str, Any]


def rows(connection: Connection, query: str, values: Mapping[str, Any] | None = None) -> list[Row]:
    """Return a query's rows in its order, each with its columns by name."""
    return [dict(row) for row in connection.execute(text(query), values or {}).mappings()]
