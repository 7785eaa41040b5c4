"""Deletes raw responses and app-days older than a configured age. By default nothing is deleted."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import Engine, text

from agora.errors import SettingsError
from agora.settings.validation import plain

# More than twice the vendor window. The warehouse's functions delete nothing younger than this.
LEAST_DAYS = 63
Days = Annotated[int, Field(ge=LEAST_DAYS, le=36_500)]


class Retention(BaseModel):
    """The variable `agora_retention`.

    Attributes:
        raw_answer_days: Age in days at which the raw responses for a usage date are deleted. None: never.
        app_day_days: Age in days at which app-days are deleted and no longer expected. None: never.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    raw_answer_days: Days | None = None
    app_day_days: Days | None = None


def parse_retention(value: str | dict[str, Any]) -> Retention:
    """Parse the variable `agora_retention`, which contains a JSON object.

    Raises:
        SettingsError: The value is not a valid object, or an age is too small.
    """
    try:
        return Retention.model_validate(json.loads(value) if isinstance(value, str) else value)
    except (ValueError, ValidationError) as error:
        raise SettingsError(f"The variable agora_retention is not usable: {plain(error)}") from None


def delete_older_than(engine: Engine, retention: Retention, today: date) -> tuple[int, int]:
    """Delete raw responses and app-days beyond the configured ages, unless they are unsettled or undecoded.

    Args:
        engine: Engine for the warehouse, with the role loader.
        retention: The configured ages.
        today: Date from which ages are counted.

    Returns:
        The number of deleted raw responses and the number of deleted app-days.
    """
    responses = app_days = 0
    if retention.raw_answer_days:
        oldest_kept = today - timedelta(days=retention.raw_answer_days)
        for usage_date in _usage_dates_before(engine, oldest_kept):
            # One commit per usage date, so that an interruption loses little work.
            with engine.begin() as connection:
                deleted = connection.execute(
                    text("select core.delete_raw_responses(:day)"), {"day": usage_date}
                )
                responses += deleted.scalar_one()
    if retention.app_day_days:
        oldest_kept = today - timedelta(days=retention.app_day_days)
        with engine.begin() as connection:
            app_days = connection.execute(
                text("select core.delete_app_days(:day)"), {"day": oldest_kept}
            ).scalar_one()
    return responses, app_days


def _usage_dates_before(engine: Engine, before: date) -> list[date]:
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "select distinct usage_date from raw.bandwidth_response where usage_date < :before order by 1"
            ),
            {"before": before},
        )
        return list(rows.scalars())
