"""Which usage dates are served: the vendor's "last month", read as a number of days or a calendar month."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

_DAYS = re.compile(r"([1-9][0-9]{0,3}) days?", re.ASCII)
_MONTH = "1 month"


@dataclass(frozen=True)
class Window:
    """The rule by which a usage date grows too old to be served.

    The vendor's document says "the last month" and no more, so both readings can be chosen.

    Attributes:
        days: Age in days of the oldest usage date served; None means one calendar month.
    """

    days: int | None

    @classmethod
    def parse(cls, text: str) -> Window:
        """Reads "N days" or "1 month".

        Raises:
            ValueError: The text is neither.
        """
        if text == _MONTH:
            return cls(days=None)
        match = _DAYS.fullmatch(text)
        if match is None:
            raise ValueError(f'The window is "N days" or "{_MONTH}", not {text!r}.')
        return cls(days=int(match[1]))

    def oldest_usage_date(self, today: date) -> date:
        """Tells the oldest day that is still served.

        For "30 days" that is today - 30; for "1 month" the same day number of the previous month, or that
        month's last day where it is shorter (on 31 March: 28 or 29 February).
        """
        if self.days is not None:
            return today - timedelta(days=self.days)
        last_of_previous = today.replace(day=1) - timedelta(days=1)
        length = monthrange(last_of_previous.year, last_of_previous.month)[1]
        return last_of_previous.replace(day=min(today.day, length))

    def __str__(self) -> str:
        return _MONTH if self.days is None else f"{self.days} days"
