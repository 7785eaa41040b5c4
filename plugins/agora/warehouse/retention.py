"""Drops what is older than a chosen age, where that was asked for; by default everything is kept."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Engine, text

from agora.errors import SettingsError
from agora.settings import plain

# Longer than any month the vendor shows, twice: the warehouse's own functions drop nothing younger.
LEAST_DAYS = 63
Days = Annotated[int, Field(ge=LEAST_DAYS, le=36_500)]


class Retention(BaseModel):
    """The variable `agora_retention`.

    Attributes:
        raw_answer_days: Raw answers about older usage dates are dropped; null keeps them.
        app_day_days: Older app-days are dropped, and are not wanted any more; null keeps them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    raw_answer_days: Days | None = None
    app_day_days: Days | None = None


def parse_retention(value: str | dict[str, Any]) -> Retention:
    """Read the variable `agora_retention`: a JSON object.

    Raises:
        SettingsError: It is no such object, or an age is too young.
    """
    try:
        return Retention.model_validate(json.loads(value) if isinstance(value, str) else value)
    except (ValueError, ValidationError) as error:
        raise SettingsError(f"The variable agora_retention is not usable: {plain(error)}") from None


def forget(engine: Engine, retention: Retention, today: date) -> tuple[int, int]:
    """Drop what is old enough; what is not final, or was never read, stays.

    Args:
        engine: To the warehouse, as the loader.
        retention: The chosen ages.
        today: Ages are counted to here.

    Returns:
        How many raw answers and how many app-days were dropped.
    """
    answers = app_days = 0
    if retention.raw_answer_days:
        oldest_kept = today - timedelta(days=retention.raw_answer_days)
        for usage_date in _usage_dates_before(engine, oldest_kept):
            # A commit a day: whatever interrupts it, what is done is done.
            with engine.begin() as connection:
                dropped = connection.execute(
                    text("select core.forget_raw_answers(:day)"), {"day": usage_date}
                )
                answers += dropped.scalar_one()
    if retention.app_day_days:
        oldest_kept = today - timedelta(days=retention.app_day_days)
        with engine.begin() as connection:
            app_days = connection.execute(
                text("select core.forget_app_days(:day)"), {"day": oldest_kept}
            ).scalar_one()
    return answers, app_days


def _usage_dates_before(engine: Engine, before: date) -> list[date]:
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "select distinct usage_date from raw.bandwidth_response where usage_date < :before order by 1"
            ),
            {"before": before},
        )
        return list(rows.scalars())
