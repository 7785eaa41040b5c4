"""The figures stored beside the points: with them the bills answer at once, without them later."""

from __future__ import annotations

from sqlalchemy import Engine, text

CHANGES_AT_ONCE = 50_000  # ten seconds of work: far from any time-out, however much was collected


def refresh(engine: Engine) -> None:
    """Store the figures of all points that changed, some months at a time; what is done stays done.

    Args:
        engine: To the warehouse, as the loader.
    """
    changes = CHANGES_AT_ONCE
    while changes == CHANGES_AT_ONCE:
        with engine.begin() as connection:
            changes = connection.execute(
                text("select core.refresh_figures(:most)"), {"most": CHANGES_AT_ONCE}
            ).scalar_one()
