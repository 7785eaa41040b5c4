"""Reject dates that must be typos, and suggest the intended date."""

from __future__ import annotations

from calendar import isleap
from datetime import UTC, date, datetime, timedelta
from difflib import SequenceMatcher

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from agora.errors import SelectionInvalid

VENDOR_BEGAN = date(2014, 1, 1)
# The vendor window is about one month long, so an older date must be a typo.
MOST_DAYS_BACK = 400


def require_plausible_date(name: str, value: date, today: date) -> None:
    """Reject a form date more than 400 days in the past, which must be a typo.

    Args:
        name: Name of the form parameter, for the message.
        value: Date entered in the form.
        today: Today's date in the account's time zone.

    Raises:
        SelectionInvalid: `value` is more than 400 days before `today`.
    """
    days = (today - value).days
    if days > MOST_DAYS_BACK:
        raise SelectionInvalid(
            f"{name} {value} is {days:,} days before today ({today}). Forms accept dates from the last"
            f" {MOST_DAYS_BACK} days{_suggested(value, today - timedelta(days=MOST_DAYS_BACK), today, today)}"
        )


def require_order(from_date: date | None, to_date: date | None) -> None:
    """Raise an error if a form's dates are in the wrong order.

    Raises:
        SelectionInvalid: `from_date` is after `to_date`.
    """
    if from_date and to_date and from_date > to_date:
        raise SelectionInvalid(f"from_date {from_date} is after to_date {to_date}. Swap the two dates.")


def _suggested(typo: date, first: date, last: date, today: date) -> str:
    """Return the suffix `: did you mean …?` with a corrected year, or an empty string if no year fits."""
    candidates = [
        typo.replace(year=year)
        for year in range(first.year, last.year + 1)
        if (typo.month, typo.day) != (2, 29) or isleap(year)
    ]

    def likeness(candidate: date) -> tuple[float, int]:
        alike = SequenceMatcher(None, str(typo.year), str(candidate.year)).ratio()
        return alike, -abs(candidate.year - today.year)

    best = max((day for day in candidates if first <= day <= last), key=likeness, default=None)
    return f": did you mean {best}?" if best else ""


def not_before_the_vendor(value: date | None, info: ValidationInfo) -> date | None:
    """Reject a date before 2014. This is a pydantic validator for settings."""
    if value and value < VENDOR_BEGAN:
        today = datetime.now(UTC).date()
        following = today.replace(year=today.year + 1, month=12, day=31)
        raise PydanticCustomError(
            "implausible_date",
            "{name} {date} is before {year}, when the vendor began{suggestion}",
            {
                "name": info.field_name,
                "date": str(value),
                "year": VENDOR_BEGAN.year,
                "suggestion": _suggested(value, VENDOR_BEGAN, following, today),
            },
        )
    return value
