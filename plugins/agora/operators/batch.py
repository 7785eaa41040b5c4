"""A batch of app-days as it travels from the planning task to a collecting one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from agora.words import things

# Long enough that a task's start does not count, short enough that the UI shows the work's progress. What is
# collected is committed every few seconds anyway.
BATCH_SECONDS = 300
LEAST_APP_DAYS = 100
MOST_BATCHES = 1000  # Airflow maps a task over 1,024 elements at most


@dataclass(frozen=True, slots=True)
class Batch:
    """Some app-days of one account.

    Attributes:
        conn_id: The account.
        label: What people see in the UI's list of mapped tasks.
        app_ids_by_day: Usage date in ISO spelling → App IDs, soonest to expire first.
        planned_at: When it was planned, in ISO spelling; what was collected since then is left out.
        unusable: Why the account cannot be worked with; then there are no days.
    """

    conn_id: str
    label: str
    app_ids_by_day: dict[str, list[str]]
    planned_at: str
    unusable: str = ""

    def app_days(self) -> list[tuple[str, date]]:
        """Return pairs of App ID and usage date in order."""
        return [
            (app_id, date.fromisoformat(day)) for day, ids in self.app_ids_by_day.items() for app_id in ids
        ]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for XCom."""
        return asdict(self)


def in_batches(
    conn_id: str,
    app_days: Sequence[tuple[str, date, str]],
    *,
    planned_at: datetime,
    requests_per_second: float,
) -> Iterator[Batch]:
    """Deal app-days out, in order, a few minutes of requests a batch.

    Args:
        conn_id: The account.
        app_days: App ID, usage date and state, soonest to expire first.
        planned_at: When it was planned, with time zone.
        requests_per_second: As configured for the account.
    """
    size = max(LEAST_APP_DAYS, int(BATCH_SECONDS * requests_per_second), -(-len(app_days) // MOST_BATCHES))
    for start in range(0, len(app_days), size):
        part = app_days[start : start + size]
        by_day: dict[str, list[str]] = {}
        for app_id, usage_date, _ in part:
            by_day.setdefault(usage_date.isoformat(), []).append(app_id)
        first, last = min(day for _, day, _ in part), max(day for _, day, _ in part)
        days = f"{first}" if first == last else f"{first} – {last}"
        label = f"{conn_id}, {days}, {things(len(part), 'app-day')}"
        yield Batch(conn_id, label, by_day, planned_at.isoformat())
