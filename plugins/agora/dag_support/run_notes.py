"""What a task leaves for the note on its run, and for those who are told that it failed."""

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
    """Put the notes of a run's tasks together, leaving out what another one says already."""
    kept: list[str] = []
    for note in sorted(filter(None, notes), key=len, reverse=True):
        if not any(note in longer for longer in kept):
            kept.append(note)
    return "\n".join(reversed(kept))


@contextmanager
def noting_errors(context: Context) -> Iterator[None]:
    """Note what an error says before the task ends with it: a callback cannot see the error itself.

    Raises:
        AirflowFailException: In place of a wrong setting or a lost hand-over, which no retry resolves.
    """
    try:
        yield
    except AgoraError as error:
        context["ti"].xcom_push(NOTE_KEY, str(error))
        if isinstance(error, (SettingsError, TaskOutputRemoved)):
            raise AirflowFailException(str(error)) from error
        raise
