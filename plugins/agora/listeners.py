"""Listener that writes run notes.

Tasks cannot access Airflow's database, but this listener runs in the scheduler and can. When a run starts or
fails, the note lists invalid settings that no task can detect. When a run ends, the note contains the notes
from its tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from sqlalchemy.orm import Session

MOST_CHARACTERS = 1000  # size of Airflow's column
RESULT = "Result: "
BLANK_LINE = "\n\n"  # between the result and a user's text


@hookimpl
def on_dag_run_running(dag_run: DagRun, msg: str) -> None:
    """Write a run note about settings that prevent tasks from starting."""
    if (session := _session_of(dag_run)) is not None:
        _write(dag_run, _problems(dag_run, session))


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:
    """Write a run note about the outcome of a successful run."""
    if (session := _session_of(dag_run)) is not None:
        _write(dag_run, _task_notes(dag_run, session))


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    """Write a run note about invalid settings and the outcome of a failed run."""
    if (session := _session_of(dag_run)) is not None:
        _write(dag_run, [*_problems(dag_run, session), *_task_notes(dag_run, session)])


def _session_of(dag_run: DagRun) -> Session | None:
    """Return the run's database session if the run belongs to one of our DAGs, otherwise None."""
    from sqlalchemy.orm import object_session

    from agora.dag_support.dag_defaults import TAG

    dag = dag_run.dag_model
    is_ours = dag is not None and TAG in {tag.name for tag in dag.tags}
    return object_session(dag_run) if is_ours else None


def _problems(dag_run: DagRun, session: Session) -> list[str]:
    from agora.web.configuration_checks import find_problems

    return find_problems(session, [dag_run.dag_id])


def _task_notes(dag_run: DagRun, session: Session) -> list[str]:
    """Return the notes of the run's tasks, those of failed tasks first, and otherwise the latest first."""
    from airflow.models.xcom import XComModel
    from airflow.utils.state import TaskInstanceState

    from agora.dag_support.run_notes import NOTE_KEY, SUMMARY_KEY, join_notes

    tasks = dag_run.get_task_instances(state=[TaskInstanceState.FAILED], session=session)
    failed = {task.task_id for task in tasks}

    def values(key: str) -> list[str]:
        found = XComModel.get_many(run_id=dag_run.run_id, dag_ids=dag_run.dag_id, key=key)
        rows: list[Any] = [*session.scalars(found)]
        rows.sort(key=lambda row: row.task_id not in failed)
        return [XComModel.deserialize_value(row) for row in rows]

    summaries, notes = values(SUMMARY_KEY), values(NOTE_KEY)
    return [join_notes(summaries, notes)] if summaries or notes else []


def _write(dag_run: DagRun, texts: list[str]) -> None:
    from agora.dag_support.run_notes import link_runbook
    from agora.text import for_markdown, join_lines

    if texts:
        # Keep text that a user wrote. Replace the note from an earlier try of this run.
        before, _, old = (dag_run.note or "").partition(RESULT)
        by_hand = "\n".join(filter(None, [before.strip(), old.partition(BLANK_LINE)[2].strip()]))
        result = RESULT + link_runbook(for_markdown(join_lines(texts)))
        room = max(0, MOST_CHARACTERS - len(BLANK_LINE) - len(by_hand))
        dag_run.note = BLANK_LINE.join(filter(None, [result[:room], by_hand]))[:MOST_CHARACTERS]
