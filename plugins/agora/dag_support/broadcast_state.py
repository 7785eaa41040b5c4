"""What a run may have on the air, remembered in a variable of Airflow's until it is stopped.

Not in an XCom: Airflow forgets a task's XComs when the task is tried again, and then nobody would know that
an earlier try may have started something.
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
    """The memory of one start task in one run.

    Attributes:
        dag_id: The DAG.
        run_id: The run.
        task_id: The start task; where it is mapped, its stop is mapped alike.
        map_index: Its index, -1 where it is not mapped.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int

    @classmethod
    def of(cls, ti: RuntimeTaskInstance, start_task_id: str) -> BroadcastState:
        """Return the memory of the start task of this task instance's run."""
        return cls(ti.dag_id, ti.run_id, start_task_id, -1 if ti.map_index is None else ti.map_index)

    @property
    def _key(self) -> str:
        # A run's name may be longer than a variable's.
        whole = json.dumps([self.dag_id, self.run_id, self.task_id, self.map_index])
        return f"agora_on_air_{sha256(whole.encode()).hexdigest()[:16]}"

    def may_be(self) -> bool:
        """Tell whether this run may have something on the air."""
        return Variable.get(self._key, default=None) is not None

    def is_started(self, ti: RuntimeTaskInstance) -> bool:
        """Tell whether the start task has succeeded, whatever is remembered."""
        index = None if self.map_index < 0 else self.map_index
        states = ti.get_task_states(self.dag_id, index, [self.task_id], run_ids=[self.run_id])
        return "success" in states.get(self.run_id, {}).values()

    def remember(self, cname: str, conn_id: str) -> None:
        """Remember, before asking, that a channel may be on the air from now on."""
        told = {"channel": cname, "connection": conn_id, "dag": self.dag_id, "run": self.run_id}
        Variable.set(
            self._key, json.dumps(told), "May be on the air: written by its start, gone once stopped."
        )

    def forget(self) -> None:
        """Forget: it was stopped, or it was refused for sure."""
        Variable.delete(self._key)
