"""Record that a run may have started a push-stream, in an Airflow variable, until the stream is stopped.

An XCom would not do: Airflow deletes a task's XComs when the task is retried, and the retry could not know
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
        map_index: Index of the mapped task, -1 if the task is not mapped.
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
        # A run_id may be longer than the name of a variable may be.
        whole = json.dumps([self.dag_id, self.run_id, self.task_id, self.map_index])
        return f"agora_on_air_{sha256(whole.encode()).hexdigest()[:16]}"

    def is_recorded(self) -> bool:
        """Return whether this run may have started a stream that is not stopped yet."""
        return Variable.get(self._key, default=None) is not None

    def start_succeeded(self, ti: RuntimeTaskInstance) -> bool:
        """Return whether the start task has succeeded, whether or not the state is recorded."""
        index = None if self.map_index < 0 else self.map_index
        states = ti.get_task_states(self.dag_id, index, [self.task_id], run_ids=[self.run_id])
        return "success" in states.get(self.run_id, {}).values()

    def record(self, cname: str, conn_id: str) -> None:
        """Record, before the request is sent, that the channel may be pushed from now on."""
        value = {"channel": cname, "connection": conn_id, "dag": self.dag_id, "run": self.run_id}
        Variable.set(
            self._key,
            json.dumps(value),
            "May be pushed. Written by the start task, deleted by the stop task.",
        )

    def clear(self) -> None:
        """Delete the record: the stream was stopped, or its start was refused for certain."""
        Variable.delete(self._key)
