"""Writes what a run did onto the run itself, where people look first.

A task cannot reach Airflow's database; this listener runs in the scheduler, when the run ends, and copies the
text that a task left as the XCom `run_note`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

PREFIX = "agora_"
MOST_CHARACTERS = 1000  # of Airflow's column
RESULT = "Result: "


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:
    """Copy the note of a run that succeeded."""
    _copy_note(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    """Copy the note of a run that failed."""
    _copy_note(dag_run)


def _copy_note(dag_run: DagRun) -> None:
    if not dag_run.dag_id.startswith(PREFIX):
        return
    from airflow.models.xcom import XComModel
    from sqlalchemy.orm import object_session

    from agora.notifiers.noted import in_one

    session = object_session(dag_run)
    if session is None:
        return
    query = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key="run_note")
    notes = [XComModel.deserialize_value(row) for row in session.scalars(query)]
    if notes:
        # What a person wrote stays; what an earlier try of this run said does not.
        by_hand = (dag_run.note or "").partition(RESULT)[0].rstrip()
        result = RESULT + in_one(notes)
        dag_run.note = "\n".join(filter(None, [by_hand, result]))[:MOST_CHARACTERS]
