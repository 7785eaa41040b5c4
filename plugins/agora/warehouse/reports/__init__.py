"""Queries of the page and the metrics, one module per view. Each row is a dictionary, ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

Row = dict[str, Any]


def rows(connection: Connection, query: str, values: Mapping[str, Any] | None = None) -> list[Row]:
    """Return a query's rows in order, each as a dictionary by column name."""
    return [dict(row) for row in connection.execute(text(query), values or {}).mappings()]
