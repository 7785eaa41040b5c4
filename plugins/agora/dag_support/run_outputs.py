"""Read the XComs of a collecting run's tasks: planned batches, results and notes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowFailException

from agora.bandwidth.batch_result import BatchResult
from agora.dag_support.batches import Batch, task_output_removed
from agora.dag_support.removed_apps import REMOVED_APPS_KEY
from agora.dag_support.run_notes import CAUSES_KEY, NOTE_KEY
from agora.domain import Cause
from agora.text import join_lines

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol as RuntimeTaskInstance

RESULT_KEY = "summary"


class RunOutputs:
    """Outputs of a run's plan, collect and check tasks.

    Args:
        ti: Instance of a later task in the run.
        plan_task_id: The planning task.
        collect_task_id: The mapped collecting task.
        check_task_id: The checking task.

    Attributes:
        batches: Index of the mapped collecting task → its batch. Contains only batches that could be read.
        unreadable: Message about batches from another version. Empty if there are none.
        total: The sum of the batches' results.
        causes: Causes of the run's failure.

    Raises:
        TaskOutputRemoved: A task succeeded, but its XComs were removed.
    """

    def __init__(
        self, ti: RuntimeTaskInstance, plan_task_id: str, collect_task_id: str, check_task_id: str
    ) -> None:
        self._ti = ti
        self._plan, self._collect, self._check = plan_task_id, collect_task_id, check_task_id
        states = ti.get_task_states(
            dag_id=ti.dag_id, task_ids=[plan_task_id, collect_task_id, check_task_id], run_ids=[ti.run_id]
        )
        # The key of a mapped task consists of its ID and index.
        self._states: Mapping[str, str | None] = states.get(ti.run_id, {})
        self._references = self._required(ti.xcom_pull(task_ids=plan_task_id), plan_task_id, plan_task_id)
        self.batches, self.unreadable = self._read_batches()
        self.causes = self._noted_causes()
        self.total = self._add_results()

    def plan_note(self) -> str:
        """Return the planning task's note."""
        note = self._ti.xcom_pull(task_ids=self._plan, key=NOTE_KEY)
        return "Planning failed; see its log." if note is None else note

    def removed_apps_note(self) -> str:
        """Return the note about apps removed from the configuration, or an empty string if there are none."""
        return self._ti.xcom_pull(task_ids=self._plan, key=REMOVED_APPS_KEY) or ""

    def failed_check(self) -> str:
        """Return the note of a failed check, or an empty string if the check did not fail."""
        if self._states.get(self._check) != "failed":
            return ""
        note = self._ti.xcom_pull(task_ids=self._check, key=NOTE_KEY)
        return note or f"The stored data could not be checked. See the log of the task {self._check}."

    def batch_notes(self) -> list[str]:
        """Return the collecting tasks' notes and the reasons why accounts could not be used."""
        # Pulled by index, because a cleared run may still have XComs from batches that no longer exist.
        indexes = range(len(self._references))
        notes = self._ti.xcom_pull(task_ids=[self._collect], key=NOTE_KEY, map_indexes=indexes)
        return [*filter(None, notes), *(batch.unusable for batch in self.batches.values())]

    def _noted_causes(self) -> set[Cause]:
        """Return the causes that the tasks recorded."""
        noted = [
            self._ti.xcom_pull(task_ids=[self._plan, self._check], key=CAUSES_KEY),
            self._ti.xcom_pull(
                task_ids=[self._collect], key=CAUSES_KEY, map_indexes=range(len(self._references))
            ),
        ]
        return {Cause(*cause) for causes in noted for of_task in causes if of_task for cause in of_task}

    def _required(self, output: Any, task_id: str, key: str) -> Any:
        """Return a task's output, or an empty list if the task did not succeed."""
        if not output and output != [] and self._states.get(key) == "success":
            raise task_output_removed(self._ti, task_id)
        return output or []

    def _read_batches(self) -> tuple[dict[int, Batch], str]:
        batches: dict[int, Batch] = {}
        unreadable: list[str] = []
        for index, reference in enumerate(self._references):
            try:
                batches[index] = Batch.pull(self._ti, self._plan, reference)
            except AirflowFailException as error:
                unreadable.append(str(error))
        if not unreadable:
            return batches, ""
        counted = f"{len(unreadable):,} of {len(self._references):,} planned batches could not be counted."
        return batches, f"{counted} {unreadable[0]}"

    def _add_results(self) -> BatchResult:
        """Add up the figures that only the tasks have: responses, requests, 429s and reasons."""
        total = BatchResult()
        if checked := self._required(
            self._ti.xcom_pull(task_ids=self._plan, key=RESULT_KEY), self._plan, self._plan
        ):
            total.add(BatchResult.from_json(checked))
        values = self._ti.xcom_pull(task_ids=[self._collect], key=RESULT_KEY, map_indexes=[*self.batches])
        stopped: dict[str, str] = {}
        for (index, batch), value in zip(self.batches.items(), values, strict=True):
            if value := self._required(value, self._collect, f"{self._collect}_{index}"):
                result = BatchResult.from_json(value)
                total.add(result)
                if result.stopped:
                    # Each batch of a stopped account names a different app-day. The first message suffices.
                    stopped.setdefault(batch.conn_id, result.stopped)
                    self.causes.add(Cause(result.stopped_by, batch.conn_id))
        total.stopped = join_lines(stopped.values())
        self.causes |= {Cause(kind) for kind in total.kinds}
        return total
