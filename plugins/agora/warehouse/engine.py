"""Connections to the warehouse."""

from __future__ import annotations

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url


def warehouse_engine(url: str | URL) -> Engine:
    """Return an engine on psycopg2, whose connections speak UTC and give up instead of hanging.

    Args:
        url: Any PostgreSQL address; its driver part is replaced. A bare `postgresql://` would otherwise
            mean another driver, without the COPY that the loader needs.
    """
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg2"),
        pool_size=2,
        connect_args={
            "application_name": "agora",
            "connect_timeout": 15,
            "options": "-c timezone=UTC -c lock_timeout=60s -c statement_timeout=600s",
        },
    )
