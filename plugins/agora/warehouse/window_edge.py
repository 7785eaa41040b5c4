"""The edge of the vendor's window, as learned from its answers, one a vendor account."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, text


class WindowEdge(NamedTuple):
    """Two neighbouring usage dates of which the vendor served one and refused the other."""

    learned_on: date
    oldest_served: date
    newest_refused: date
    refusal: str


def wait_for_turn(connection: Connection, conn_id: str) -> None:
    """Hold off other runs that would learn this account's edge, until the caller's commit.

    So only the first of them asks. No row is locked meanwhile, and whoever waits does so for as long as the
    vendor may keep the first one waiting.
    """
    connection.execute(text("set local lock_timeout = '15min'; set local statement_timeout = '15min'"))
    connection.execute(
        text("select pg_advisory_xact_lock(hashtext('window_edge'), hashtext(:conn_id))"),
        {"conn_id": conn_id},
    )


def read(connection: Connection, conn_id: str, today: date) -> WindowEdge | None:
    """Return the edge learned today, None where it must be learned anew."""
    row = connection.execute(
        text(
            "select learned_on, oldest_served, newest_refused, refusal from core.vendor_account"
            " where conn_id = :conn_id"
        ),
        {"conn_id": conn_id},
    ).one()
    return WindowEdge(*row) if row.learned_on == today else None


def remember(connection: Connection, conn_id: str, edge: WindowEdge) -> None:
    """Keep an edge for the runs that follow."""
    connection.execute(
        text(
            "update core.vendor_account set learned_on = :learned_on, oldest_served = :oldest_served,"
            " newest_refused = :newest_refused, refusal = :refusal where conn_id = :conn_id"
        ),
        {"conn_id": conn_id, **edge._asdict()},
    )
