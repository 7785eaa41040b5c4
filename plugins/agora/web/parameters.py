"""What a route may be asked, checked before the warehouse is."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query
from pydantic import BeforeValidator, StringConstraints
from pydantic_core import PydanticCustomError


def _first_day(month: str) -> date:
    try:
        return date.fromisoformat(f"{month}-01")
    except ValueError:
        raise PydanticCustomError("month", "a month is written like 2026-11") from None


# PostgreSQL knows no text with a NUL in it.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=200)]
Day = Annotated[date, Query(ge=date(2000, 1, 1), le=date(2999, 12, 31))]
# A month as its first day.
Month = Annotated[date, BeforeValidator(_first_day), Query()]
