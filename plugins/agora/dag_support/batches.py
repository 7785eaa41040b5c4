"""Batches of app-days: split them by size, and pass them from the planning task to the collecting tasks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Self

from agora.domain import AppDay
from agora.errors import TaskOutputRemoved
from agora.text import format_count

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol as RuntimeTaskInstance

# Long enough that a task's start-up time is negligible, and short enough that the UI shows progress.
# Collected data is committed every few seconds anyway.
BATCH_SECONDS = 300
LEAST_APP_DAYS = 100
# If the vendor is faster than one process (about 2,000 app-days a second), several processes work in parallel
# on batches of this size. As an XCom, a batch takes at most 1 MB.
MOST_APP_DAYS = 20_000
MOST_BATCHES = 1000  # Airflow maps a task over at most 1,024 elements


@dataclass(frozen=True, slots=True)
class Batch:
    """Some app-days of one account.

    Attributes:
        conn_id: Connection of the account.
        label: Label in the UI's list of mapped tasks.
        app_ids_by_day: Usage date in ISO format → App IDs, soonest to expire first.
        planned_at: Time of planning, in ISO format. App-days collected since then are skipped.
        unusable: Reason why the account cannot be used. If set, the batch has no days.
        unusable_by: Class name of the error behind `unusable`.
    """

    conn_id: str
    label: str
    app_ids_by_day: dict[str, list[str]]
    planned_at: str
    unusable: str = ""
    unusable_by: str = ""

    def app_days(self) -> list[AppDay]:
        """Return pairs of App ID and usage date in order."""
        return [
            (app_id, date.fromisoformat(day)) for day, ids in self.app_ids_by_day.items() for app_id in ids
        ]

    def push(self, ti: RuntimeTaskInstance, number: int) -> dict[str, str]:
        """Push the batch as a separate XCom and return a reference to it.

        Airflow passes the whole list that a task is mapped over to each mapped task. The list therefore
        contains references instead of app-days.

        Args:
            ti: The planning task.
            number: Number of the batch within the run.
        """
        key = f"batch_{number:04}"
        ti.xcom_push(key, asdict(self))
        return {"key": key, "label": self.label}

    @classmethod
    def pull(cls, ti: RuntimeTaskInstance, plan_task_id: str, reference: Any) -> Self:
        """Return the batch that the planning task pushed.

        Args:
            ti: The task that processes the batch.
            plan_task_id: The planning task.
            reference: The return value of `push`.

        Raises:
            AirflowFailException: Another version of this class pushed the batch.
            TaskOutputRemoved: The batch's XCom was removed.
        """
        known = reference if isinstance(reference, Mapping) else {}
        left = ti.xcom_pull(task_ids=plan_task_id, key=known["key"]) if "key" in known else None
        if not left and "key" in known:
            raise task_output_removed(ti, plan_task_id)
        if isinstance(left, Mapping) and {*left} == {field.name for field in fields(cls)}:
            return cls(**left)
        # Imported here, because planning batches does not require Airflow.
        from airflow.sdk.exceptions import AirflowFailException

        raise AirflowFailException(
            f"{known.get('label') or 'This batch'}: planned by another version, or planned again in the"
            f" meantime. Clear the task {plan_task_id} and everything downstream."
        )


def task_output_removed(ti: RuntimeTaskInstance, task_id: str) -> TaskOutputRemoved:
    """Return the error for a task whose run lacks another task's XComs."""
    return TaskOutputRemoved(
        f"The XComs of the task {task_id} of {ti.dag_id} in run {ti.run_id} were removed, for example by"
        " `airflow db clean`. Trigger a new run, which requests the missing days. All collected data and the"
        " run's row in mart.collection_run are kept."
    )


def batch_limits(app_days: Sequence[int], most_batches: int = MOST_BATCHES) -> list[int]:
    """Return the maximum number of batches per account: one, plus a share proportional to its app-days.

    Args:
        app_days: Number of app-days of each account.
        most_batches: Maximum for all accounts together.
    """
    rest = max(0, most_batches - len(app_days))
    total = max(1, sum(app_days))
    return [1 + rest * count // total for count in app_days]


def split_into_batches(
    conn_id: str,
    app_days: Sequence[AppDay],
    *,
    planned_at: datetime,
    requests_per_second: float,
    most_batches: int = MOST_BATCHES,
) -> Iterator[Batch]:
    """Split app-days, in order, into batches that each take a few minutes to request.

    Args:
        conn_id: The account.
        app_days: App ID and usage date, soonest to expire first.
        planned_at: Time of planning, with time zone.
        requests_per_second: Configured request rate of the account.
        most_batches: Maximum number of batches. If necessary, batches grow to stay within this maximum.
    """
    minutes = min(MOST_APP_DAYS, max(LEAST_APP_DAYS, int(BATCH_SECONDS * requests_per_second)))
    size = max(minutes, -(-len(app_days) // most_batches))
    for start in range(0, len(app_days), size):
        part = app_days[start : start + size]
        by_day: dict[str, list[str]] = {}
        for app_id, usage_date in part:
            by_day.setdefault(usage_date.isoformat(), []).append(app_id)
        first, last = min(day for _, day in part), max(day for _, day in part)
        days = f"{first}" if first == last else f"{first} – {last}"
        label = f"{conn_id}, {days}, {format_count(len(part), 'app-day')}"
        yield Batch(conn_id, label, by_day, planned_at.isoformat())


def interleave(accounts: Iterable[Iterable[Batch]]) -> Iterator[Batch]:
    """Yield batches in the order in which Airflow starts them, taking one from each account in turn.

    Each account has its own rate limit, so no account has to wait for another account.
    """
    for row in zip_longest(*accounts):
        yield from (batch for batch in row if batch is not None)
