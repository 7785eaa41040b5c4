"""Record in an Airflow variable that a run may have started a push-stream, until the stream is stopped.

An XCom is not suitable. Airflow deletes a task's XComs when the task is retried, so a retry could not detect
that an earlier try may have started a stream.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from airflow.sdk import Variable

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol as RuntimeTaskInstance


@dataclass(frozen=True, slots=True)
class BroadcastState:
    """Broadcast state of one start task in one run.

    Attributes:
        dag_id: The DAG.
        run_id: The run.
        task_id: The start task. If it is mapped, its stop task is mapped in the same way.
        map_index: Index of the mapped task, or -1 if the task is not mapped.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int

    @classmethod
    def of(cls, ti: RuntimeTaskInstance, start_task_id: str) -> BroadcastState:
        """Return the state of the start task in this task instance's run."""
        return cls(ti.dag_id, ti.run_id, start_task_id, -1 if ti.map_index is None else ti.map_index)

    @property
    def _key(self) -> str:
        # A run_id can be longer than the maximum length of a variable's name.
        whole = json.dumps([self.dag_id, self.run_id, self.task_id, self.map_index])
        return f"agora_on_air_{sha256(whole.encode()).hexdigest()[:16]}"

    def is_recorded(self) -> bool:
        """Return whether this run may have started a stream that has not been stopped yet."""
        return Variable.get(self._key, default=None) is not None

    def start_succeeded(self, ti: RuntimeTaskInstance) -> bool:
        """Return whether the start task succeeded, regardless of the recorded state."""
        index = None if self.map_index < 0 else self.map_index
        states = ti.get_task_states(self.dag_id, index, [self.task_id], run_ids=[self.run_id])
        return "success" in states.get(self.run_id, {}).values()

    def record(self, cname: str, conn_id: str) -> None:
        """Record that the channel may be pushed from now on. Call this before the request is sent."""
        value = {"channel": cname, "connection": conn_id, "dag": self.dag_id, "run": self.run_id}
        Variable.set(
            self._key,
            json.dumps(value),
            "This channel may still be pushed. Written by the start task, deleted by the stop task.",
        )

    def clear(self) -> None:
        """Delete the record, because the stream was stopped or its start was definitely refused."""
        Variable.delete(self._key)
