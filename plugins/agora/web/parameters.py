"""Query parameters for the routes, with validation."""

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
        raise PydanticCustomError("month", "a month has the form 2026-11") from None


def _date(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not FIRST <= found <= LAST:
        raise PydanticCustomError("date", "{given} is not a date such as 2026-11-30", {"given": text})
    return found


# PostgreSQL text cannot contain NUL.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]
Day = Annotated[date, BeforeValidator(_date)]
# A month, represented by its first day.
Month = Annotated[date, BeforeValidator(_first_day), Query(ge=FIRST, le=LAST)]


def require_range(first: date, last: date, max_days: int) -> None:
    """Reject dates in the wrong order or too far apart.

    Raises:
        HTTPException: 422. As in FastAPI's own errors, the detail names the parameter (`to_date`).
    """
    if last < first:
        problem = f"{last} is before {first}. Choose a last date on or after the first date."
    elif (last - first).days >= max_days:
        problem = f"{first} to {last} is longer than {max_days} days. Choose a shorter range."
    else:
        return
    raise HTTPException(422, [{"loc": ["query", "to_date"], "msg": problem}])
