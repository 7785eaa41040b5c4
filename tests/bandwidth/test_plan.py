"""Chosen days are refused if they cannot be requested."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from agora.bandwidth.plan import Days, require_days
from agora.errors import SelectionInvalid

pytestmark = pytest.mark.unit

YESTERDAY = date(2026, 11, 29)
DAY = timedelta(days=1)
OLDEST = YESTERDAY - 29 * DAY


@pytest.mark.parametrize(
    "days",
    [
        Days(),
        Days(YESTERDAY),
        Days(None, OLDEST),
        Days(YESTERDAY, YESTERDAY),
        Days(YESTERDAY, YESTERDAY + DAY),
    ],
)
def test_days_up_to_today_are_accepted(days: Days) -> None:
    require_days(days, OLDEST, YESTERDAY)


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (Days(YESTERDAY, YESTERDAY - DAY), "Swap the two dates"),
        (Days(None, OLDEST - DAY), "is after to_date"),
        (Days(YESTERDAY + DAY), "from_date 2026-11-30 is not over yet"),
        (Days(None, YESTERDAY + 2 * DAY), "to_date 2026-12-01 is not over yet"),
        (Days(date(2016, 11, 1)), "did you mean 2026-11-01"),
    ],
)
def test_other_days_are_refused(days: Days, message: str) -> None:
    with pytest.raises(SelectionInvalid, match=message):
        require_days(days, OLDEST, YESTERDAY)
