"""An example to copy: push a channel's stream every evening, and stop it whatever becomes of the run.

- Paused until you unpause it; the form of Trigger does that, too, unless you take the tick away. Change the
  schedule, and the defaults of the form, in a copy of this file.
- **stop** is the teardown: it runs whatever became of the start and of the time between, also where the
  start's answer was lost or its worker was killed, and is tried again for an hour. Where it fails, the run
  fails.
- A channel that somebody else started under the same name is left alone: the start is refused (409), and
  there is nothing to stop.
- It is on air from the time it is scheduled for, or triggered at, for `minutes`. A run that begins later,
  because of an outage or of unpausing, pushes what is left of that, or nothing.
- To end a broadcast early, mark its run as failed: stop runs. Do not pause or delete the DAG while it is on
  the air: then nothing stops it.
- In place of `on_air` stand the tasks that belong to your broadcast. Let the copy's name begin with `agora_`:
  such runs get a note.
- App: connection `agora_push_stream`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import Param, dag, task

from agora.dag_support.dag_defaults import PUSH_STREAM_DAG
from agora.dag_support.params import CNAME, URLS, lines
from agora.operators.push_stream_channel import PushStreamStartOperator, PushStreamStopOperator
from agora.timetable import CronTimetable


@dag(
    schedule=CronTimetable("0 18 * * *"),
    params={
        "cname": Param("evening", **CNAME),
        "urls": Param(["rtmp://live.example.com/app/evening"], **URLS),
        "minutes": Param(
            60, type="number", exclusiveMinimum=0, maximum=1080, title="Minutes", description="How long."
        ),
    },
    doc_md=__doc__,
    # A run that takes too long would be ended with its stop skipped; what may take long ends by itself.
    **{**PUSH_STREAM_DAG, "dagrun_timeout": None},
)
def agora_push_stream_broadcast() -> None:
    """Start, wait without holding a worker, stop."""

    @task.short_circuit
    def in_time(**context: Any) -> bool:
        minutes = timedelta(minutes=context["params"]["minutes"])
        return bool(datetime.now(UTC) < context["dag_run"].run_after + minutes)

    start = PushStreamStartOperator(task_id="start", cname="{{ params.cname }}", urls=lines("urls"))
    on_air = DateTimeSensorAsync(
        task_id="on_air",
        execution_timeout=timedelta(hours=20),
        target_time="{{ (dag_run.run_after + macros.timedelta(minutes=params.minutes)).isoformat() }}",
    )
    stop = PushStreamStopOperator(task_id="stop", cname="{{ params.cname }}", start_task_id="start")
    # A run ends as its last task does, and a teardown does not count.
    everything_succeeded = EmptyOperator(task_id="everything_succeeded", trigger_rule="none_failed")
    in_time() >> start >> on_air
    [start, on_air] >> stop.as_teardown()
    [start, on_air, stop] >> everything_succeeded


agora_push_stream_broadcast()
