"""What a route may be asked, checked before much is read."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import HTTPException, Query
from pydantic import BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError

FIRST, LAST = date(2000, 1, 1), date(2999, 12, 31)


def _first_day(month: str) -> date:
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError:
        raise PydanticCustomError("month", "a month is written like 2026-11") from None


# PostgreSQL knows no text with a NUL in it.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]
Day = Annotated[date, Query(ge=FIRST, le=LAST)]
# A month as its first day.
Month = Annotated[date, BeforeValidator(_first_day), Query(ge=FIRST, le=LAST)]


def require_range(first: date, last: date, most_days: int) -> None:
    """Refuse dates in the wrong order or too far apart.

    Raises:
        HTTPException: 422, with what to choose instead.
    """
    if not 0 <= (last - first).days < most_days:
        raise HTTPException(
            422,
            f"{first} to {last} is not a range of 1 to {most_days} days. Choose a last day that is not before"
            f" the first and less than {most_days} days after it.",
        )
