"""A batch of app-days as it travels from the planning task to a collecting one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

BATCH_APP_DAYS = 500
MOST_BATCHES = 1000  # Airflow maps a task over 1,024 elements at most


@dataclass(frozen=True, slots=True)
class Batch:
    """Some app-days of one account.

    Attributes:
        conn_id: The account.
        label: What people see in the UI's list of mapped tasks.
        app_ids_by_day: Usage date in ISO spelling → App IDs, soonest to expire first.
        reload: Ask for complete days again.
        refused_credentials: The message of the 401 that ended the account's work; then there are no days.
    """

    conn_id: str
    label: str
    app_ids_by_day: dict[str, list[str]]
    reload: bool = False
    refused_credentials: str = ""

    def app_days(self) -> list[tuple[str, date]]:
        """Return pairs of App ID and usage date in order."""
        return [
            (app_id, date.fromisoformat(day)) for day, ids in self.app_ids_by_day.items() for app_id in ids
        ]

    def to_json(self) -> dict[str, Any]:
        """Return plain values for XCom."""
        return asdict(self)


def in_batches(
    conn_id: str, app_days: Sequence[tuple[str, date, str]], *, reload: bool = False
) -> Iterator[Batch]:
    """Deal app-days out, in order; a task costs about 0.3 s of CPU, so not one a task."""
    size = max(BATCH_APP_DAYS, -(-len(app_days) // MOST_BATCHES))
    for start in range(0, len(app_days), size):
        part = app_days[start : start + size]
        by_day: dict[str, list[str]] = {}
        for app_id, usage_date, _ in part:
            by_day.setdefault(usage_date.isoformat(), []).append(app_id)
        first, last = part[0][1], part[-1][1]
        days = f"{first}" if first == last else f"{first} – {last}"
        yield Batch(conn_id, f"{conn_id}, {days}, {len(part)} app-days", by_day, reload)
