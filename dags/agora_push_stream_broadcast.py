"""An example to copy: push a channel's stream every evening, and always stop it.

- The DAG is paused at first. Unpausing it starts the schedule. The trigger form also unpauses the DAG,
  unless you clear the check box. Change the schedule and the form's defaults in a copy of this file.
- **stop** is the teardown task. It runs even if the start failed, its response was lost or its worker was
  killed, and it is retried for an hour. If it fails, the run fails.
- If another program has started a channel with the same name, the start is refused (409) and nothing is
  stopped.
- The stream is pushed for `minutes`, counted from the run's scheduled or triggered time. A run that begins
  late, after an outage or after unpausing, pushes for the remaining minutes, or not at all.
- To end a broadcast early, mark its run as failed: **stop** then runs. Do not pause or delete the DAG during
  a broadcast, because then nothing stops it.
- In your copy, replace the task `on_air` with the tasks of your broadcast. Keep the tag `agora`, so that the
  runs get a note.
- The connection `agora_push_stream` defines the app.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.sensors.date_time import DateTimeSensorAsync
from airflow.sdk import Param, dag, task

from agora.dag_support.dag_defaults import PUSH_STREAM_DAG
from agora.dag_support.params import CNAME, URLS, lines_template
from agora.operators.push_stream_channel import PushStreamStartOperator, PushStreamStopOperator
from agora.timetable import CronTimetable


@dag(
    schedule=CronTimetable("0 18 * * *"),
    params={
        "cname": Param("evening", **CNAME),
        "urls": Param(["rtmp://live.example.com/app/evening"], **URLS),
        "minutes": Param(
            60,
            type="number",
            exclusiveMinimum=0,
            maximum=1080,
            title="Minutes",
            description="Duration of the push.",
        ),
    },
    description="Example: push a channel's stream every evening",
    doc_md=__doc__,
    # When a run exceeds its timeout, Airflow ends it and skips the stop task. Each task has its own timeout.
    **{**PUSH_STREAM_DAG, "dagrun_timeout": None},
)
def agora_push_stream_broadcast() -> None:
    """Start the push, wait without occupying a worker, and stop the push."""

    @task.short_circuit
    def in_time(**context: Any) -> bool:
        minutes = timedelta(minutes=context["params"]["minutes"])
        return bool(datetime.now(UTC) < context["dag_run"].run_after + minutes)

    start = PushStreamStartOperator(task_id="start", cname="{{ params.cname }}", urls=lines_template("urls"))
    on_air = DateTimeSensorAsync(
        task_id="on_air",
        execution_timeout=timedelta(hours=20),
        target_time="{{ (dag_run.run_after + macros.timedelta(minutes=params.minutes)).isoformat() }}",
    )
    stop = PushStreamStopOperator(task_id="stop", cname="{{ params.cname }}", start_task_id="start")
    # A run takes the state of its last tasks, and a teardown is not one of them.
    everything_succeeded = EmptyOperator(task_id="everything_succeeded", trigger_rule="none_failed")
    in_time() >> start >> on_air
    [start, on_air] >> stop.as_teardown()
    [start, on_air, stop] >> everything_succeeded


created_dag = agora_push_stream_broadcast()
