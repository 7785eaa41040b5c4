"""App-days, their states, the 288 five-minute slots of a usage date, and the causes of failed runs."""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from typing import Literal, NamedTuple, get_args
from zoneinfo import ZoneInfo

AppDay = tuple[str, date]  # App ID and usage date

MINUTES_PER_SLOT = 5
SLOTS_PER_DAY = 24 * 60 // MINUTES_PER_SLOT
LABELS: tuple[str, ...] = tuple(
    f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 24 * 60, MINUTES_PER_SLOT)
)

# The bill's rate columns, one per billing method.
BillingMethod = Literal[
    "p95_kbps",
    "peak_kbps",
    "mean_daily_peak_kbps",
    "mean_daily_p95_kbps",
    "fourth_peak_kbps",
    "top_five_mean_kbps",
]
BILLING_METHODS: tuple[BillingMethod, ...] = get_args(BillingMethod)


class State(StrEnum):
    """The state of an app-day. The ledger stores the first four; `lost` and `pending` are computed."""

    COLLECTED = "collected"  # 288 points
    PARTIAL = "partial"  # fewer points, all of them sound
    REJECTED = "rejected"  # the response breaks the vendor's contract
    FAILED = "failed"  # no usable response
    LOST = "lost"  # never collected and no longer available
    PENDING = "pending"  # not requested yet


SOUND_STATES = (State.COLLECTED, State.PARTIAL)


def starts_at(usage_date: date, timezone: str) -> datetime:
    """Return the instant at which the first slot of a usage date starts.

    Settings accept only time zones without clock changes, so slot n always starts n × 5 minutes later.
    """
    return datetime.combine(usage_date, time(), ZoneInfo(timezone))


class Cause(NamedTuple):
    """Why a run failed. Runs with the same causes belong to one incident.

    Attributes:
        kind: Name of an error class in `agora.errors`.
        conn_id: Connection that the cause concerns. Empty if there is none.
    """

    kind: str
    conn_id: str = ""
