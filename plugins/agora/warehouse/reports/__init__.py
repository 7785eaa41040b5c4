"""Queries for the web page and the metrics. Each row is a dictionary that can be serialized as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

Row = dict[str, Any]


def rows(connection: Connection, query: str, values: Mapping[str, Any] | None = None) -> list[Row]:
    """Return a query's rows in order, each as a dictionary with the column names as keys."""
    return [dict(row) for row in connection.execute(text(query), values or {}).mappings()]
