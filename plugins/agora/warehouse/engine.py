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
            # A server that vanished is noticed within a minute and a half, instead of two hours.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 6,
            "tcp_user_timeout": 90_000,  # milliseconds
            # A frozen task keeps no lock for ever; the planner may hold one while it asks the vendor.
            "options": "-c timezone=UTC -c lock_timeout=60s -c statement_timeout=600s"
            " -c idle_in_transaction_session_timeout=20min",
        },
    )
