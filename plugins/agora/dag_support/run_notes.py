"""The note that a task leaves for its run, the UI and the alerts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException

from agora.errors import AgoraError, SettingsError, TaskOutputRemoved

if TYPE_CHECKING:
    from airflow.sdk import Context

NOTE_KEY = "run_note"


def merge_notes(notes: Iterable[str | None]) -> str:
    """Join the notes of a run's tasks, without notes that a longer one contains."""
    merged: list[str] = []
    for note in sorted(filter(None, notes), key=len, reverse=True):
        if not any(note in longer for longer in merged):
            merged.append(note)
    return "\n".join(reversed(merged))


@contextmanager
def noting_errors(context: Context) -> Iterator[None]:
    """Note an error's text on the run before the task fails, because callbacks cannot see the error itself.

    Raises:
        AirflowFailException: Replaces an error that no retry can resolve, such as a wrong setting.
    """
    try:
        yield
    except AgoraError as error:
        context["ti"].xcom_push(NOTE_KEY, str(error))
        if isinstance(error, (SettingsError, TaskOutputRemoved)):
            raise AirflowFailException(str(error)) from error
        raise
