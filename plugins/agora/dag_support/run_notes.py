"""Notes that tasks write for the run, the UI and the alerts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from agora.domain import Cause
from agora.errors import RUNBOOK, AgoraError, SelectionInvalid, SettingsError, TaskOutputRemoved
from agora.text import join_lines

if TYPE_CHECKING:
    from airflow.sdk import Context

# XCom keys. A summary contains the notes of the run's other tasks.
NOTE_KEY, SUMMARY_KEY, CAUSES_KEY = "run_note", "run_summary", "run_causes"


def note(context: Context, text: str, causes: Iterable[Cause] = (), *, is_summary: bool = False) -> None:
    """Add a note to the run and, if the run fails, record the causes.

    Args:
        context: The task's context.
        text: The note.
        causes: Causes of the failure. They identify the incident, because the text can differ each night.
        is_summary: Whether the note contains the notes of the run's other tasks.
    """
    context["ti"].xcom_push(SUMMARY_KEY if is_summary else NOTE_KEY, text)
    if unique := sorted({*causes}):
        context["ti"].xcom_push(CAUSES_KEY, unique)


def join_notes(summaries: Iterable[str | None], notes: Iterable[str | None]) -> str:
    """Return the run's summary, or the notes of its tasks if there is no summary."""
    return next(filter(None, summaries), "") or join_lines(filter(None, notes))


def runbook() -> str:
    """Return the URL of the runbook, or its path in the repository if `[agora] docs_url` is not set."""
    url = str(conf.get("agora", "docs_url", fallback="")).rstrip("/")
    return f"{url}/{RUNBOOK.removeprefix('docs/')}" if url else RUNBOOK


def link_runbook(markdown: str) -> str:
    """Turn references to runbook entries into links if the runbook has a URL."""
    url = runbook()
    if url == RUNBOOK:
        return markdown
    return re.sub(rf"{re.escape(RUNBOOK)}(#[a-z-]+)", rf"[{RUNBOOK}\1]({url}\1)", markdown)


@contextmanager
def noting_errors(context: Context) -> Iterator[None]:
    """Add an error's text to the run's notes before the task fails, because callbacks cannot see the error.

    Raises:
        AirflowSkipException: Replaces SelectionInvalid, because a wrong choice in a form is not a failure.
        AirflowFailException: Replaces an error that no retry can resolve, such as a wrong setting.
    """
    try:
        yield
    except SelectionInvalid as error:
        text = f"Skipped, nothing requested: {error}"
        note(context, text)
        raise AirflowSkipException(text) from error
    except AgoraError as error:
        note(context, str(error), [error.cause])
        if isinstance(error, (SettingsError, TaskOutputRemoved)):
            raise AirflowFailException(str(error)) from error
        raise
