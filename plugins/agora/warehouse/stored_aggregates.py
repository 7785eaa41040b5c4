"""Refreshes the stored aggregates, which speed up the bills."""

from __future__ import annotations

from sqlalchemy import Engine, text

CHANGES_AT_ONCE = 50_000  # about ten seconds of work, so that no statement times out


def refresh(engine: Engine) -> None:
    """Store the aggregates of all changed points, in several transactions.

    Args:
        engine: Engine for the warehouse, with the role loader.
    """
    changes = CHANGES_AT_ONCE
    while changes == CHANGES_AT_ONCE:
        with engine.begin() as connection:
            changes = connection.execute(
                text("select core.refresh_aggregates(:most)"), {"most": CHANGES_AT_ONCE}
            ).scalar_one()
