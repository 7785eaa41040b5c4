"""Batches of app-days: how many are in one, and how one gets from the planning task to a collecting one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Self

from agora.errors import TaskOutputRemoved
from agora.text import format_count

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol as RuntimeTaskInstance

# Long enough that a task's start does not count, short enough that the UI shows the work's progress. What is
# collected is committed every few seconds anyway.
BATCH_SECONDS = 300
LEAST_APP_DAYS = 100
# Where the vendor is faster than one process (some 2,000 app-days a second), several work at once on batches
# of this size; none of them is more than 1 MB on its way.
MOST_APP_DAYS = 20_000
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

    def hand_over(self, ti: RuntimeTaskInstance, number: int) -> dict[str, str]:
        """Leave it as an XCom of its own; return a reference to it.

        Airflow gives each mapped task all that it is mapped over: the references, and not every app-day.

        Args:
            ti: The planning task.
            number: Of the batch within the run.
        """
        key = f"batch_{number:04}"
        ti.xcom_push(key, asdict(self))
        return {"key": key, "label": self.label}

    @classmethod
    def taken_over(cls, ti: RuntimeTaskInstance, plan_task_id: str, reference: Any) -> Self:
        """Return the batch that the planning task left.

        Args:
            ti: The task that takes it.
            plan_task_id: The planning task.
            reference: What `hand_over` returned.

        Raises:
            AirflowFailException: Another version left it.
            TaskOutputRemoved: The batch was removed.
        """
        known = reference if isinstance(reference, Mapping) else {}
        left = ti.xcom_pull(task_ids=plan_task_id, key=known["key"]) if "key" in known else None
        if not left and "key" in known:
            raise task_output_removed(ti, plan_task_id)
        if isinstance(left, Mapping) and {*left} == {field.name for field in fields(cls)}:
            return cls(**left)
        # Imported here: who only deals out does not need Airflow.
        from airflow.sdk.exceptions import AirflowFailException

        raise AirflowFailException(
            f"{known.get('label') or 'This batch'}: planned by another version or planned anew meanwhile:"
            f" clear the task {plan_task_id} with everything after it."
        )


def task_output_removed(ti: RuntimeTaskInstance, task_id: str) -> TaskOutputRemoved:
    """Return the error of a task that finds nothing where another task of its run left something."""
    return TaskOutputRemoved(
        f"What the task {task_id} of {ti.dag_id} handed over in run {ti.run_id} is gone: its XComs were"
        " removed, as `airflow db clean` does. Trigger a new run, which requests whatever is missing. Nothing"
        " collected is lost, and the run's row in mart.collection_run stays."
    )


def shares(app_days: Sequence[int], most_batches: int = MOST_BATCHES) -> list[int]:
    """Return how many batches each account may have: one, and of the rest what is in proportion to its work.

    Args:
        app_days: How many app-days there are of each account.
        most_batches: Of all accounts together.
    """
    rest = max(0, most_batches - len(app_days))
    total = max(1, sum(app_days))
    return [1 + rest * count // total for count in app_days]


def in_batches(
    conn_id: str,
    app_days: Sequence[tuple[str, date]],
    *,
    planned_at: datetime,
    requests_per_second: float,
    most_batches: int = MOST_BATCHES,
) -> Iterator[Batch]:
    """Deal app-days out, in order, a few minutes of requests a batch.

    Args:
        conn_id: The account.
        app_days: App ID and usage date, soonest to expire first.
        planned_at: When it was planned, with time zone.
        requests_per_second: As configured for the account.
        most_batches: No more than these; they are larger where there is too much for so many.
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


def in_turn(accounts: Iterable[Iterable[Batch]]) -> Iterator[Batch]:
    """Put the accounts' batches into the order in which Airflow starts them: one of each, again and again.

    Each account has a rate limit of its own, so none has to wait until another one is done.
    """
    for row in zip_longest(*accounts):
        yield from (batch for batch in row if batch is not None)
