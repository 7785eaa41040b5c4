"""The vendor window: the range of usage dates that the sandbox serves."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

_DAYS = re.compile(r"([1-9][0-9]{0,3}) days?", re.ASCII)
_MONTH = "1 month"


@dataclass(frozen=True)
class Window:
    """The maximum age of a usage date that is served.

    The vendor's documentation says "the last month" and does not define a month. The window can therefore be
    a number of days or a calendar month.

    Attributes:
        days: The age of the oldest usage date in days. None means one calendar month.
    """

    days: int | None

    @classmethod
    def parse(cls, text: str) -> Window:
        """Parse "N days" or "1 month".

        Raises:
            ValueError: The text has neither form.
        """
        if text == _MONTH:
            return cls(days=None)
        match = _DAYS.fullmatch(text)
        if match is None:
            raise ValueError(f'The window must be "N days" or "{_MONTH}", not {text!r}.')
        return cls(days=int(match[1]))

    def oldest_usage_date(self, today: date) -> date:
        """Return the oldest usage date in the window.

        For "30 days", this is today - 30. For "1 month", it is the same day of the previous month, or that
        month's last day if the month is shorter (on 31 March: 28 or 29 February).
        """
        if self.days is not None:
            return today - timedelta(days=self.days)
        last_of_previous = today.replace(day=1) - timedelta(days=1)
        length = monthrange(last_of_previous.year, last_of_previous.month)[1]
        return last_of_previous.replace(day=min(today.day, length))

    def __str__(self) -> str:
        return _MONTH if self.days is None else f"{self.days} days"
