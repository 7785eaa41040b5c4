"""Group failed runs into incidents, and write the alert for each incident."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agora.domain import Cause
from agora.errors import RUNBOOK, runbook_entry

RUN_FAILED = "run-failed"  # runbook entry for a run without a recorded cause
REMIND_AFTER = timedelta(hours=20)  # allows one reminder per day, although nightly runs differ in length
SUBJECT_CHARACTERS = 120
REMINDER_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed run.

    Attributes:
        dag_id: The DAG.
        run_id: The run.
        url: URL of the run's page.
        text: The run note.
        causes: Causes of the failure. Empty if no task recorded a cause.
        runbook: URL of the runbook, or its path in the repository.
    """

    dag_id: str
    run_id: str
    url: str
    text: str
    causes: Collection[Cause] = ()
    runbook: str = RUNBOOK

    @property
    def entries(self) -> list[str]:
        """Runbook entries for the causes."""
        return sorted({runbook_entry(cause.kind) for cause in self.causes}) or [RUN_FAILED]

    @property
    def incident(self) -> list[str]:
        """Runbook entries and connections that identify the incident. Runs of one incident share them."""
        return sorted({*self.entries, *(cause.conn_id for cause in self.causes if cause.conn_id)})


@dataclass(frozen=True, slots=True)
class SentAlert:
    """The last alert sent for a DAG.

    Attributes:
        incident: `Failure.incident` of the failed run.
        since: Time of the incident's first alert, with time zone.
        at: Time of the incident's last alert, with time zone.
    """

    incident: list[str]
    since: datetime
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return the alert as JSON-compatible values."""
        return {"incident": self.incident, "since": self.since.isoformat(), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> SentAlert:
        """Rebuild an alert from the output of `to_json`."""
        since, at = (datetime.fromisoformat(values[name]) for name in ("since", "at"))
        return cls(list(values["incident"]), since, at)


@dataclass(frozen=True, slots=True)
class Message:
    """An alert to send.

    Attributes:
        subject: One line.
        text: The run note, the run's URL and the runbook entries.
        sent: Record of the alert, stored after sending.
    """

    subject: str
    text: str
    sent: SentAlert


def message(failure: Failure, last: SentAlert | None, now: datetime) -> Message | None:
    """Return a full alert for a new incident, a daily reminder for a known incident, or None.

    Args:
        failure: The run.
        last: Last alert sent for the DAG. None if there is none, or if a run has succeeded since.
        now: The current time, with time zone.
    """
    if last is None or last.incident != failure.incident:
        sent = SentAlert(failure.incident, now, now)
        return _message(f"{failure.dag_id} failed", failure.text, failure, sent)
    if now - last.at < REMIND_AFTER:
        return None
    text = failure.text[:REMINDER_CHARACTERS] + "…" * (len(failure.text) > REMINDER_CHARACTERS)
    begin = f"{failure.dag_id} has been failing since {last.since:%Y-%m-%d %H:%M %Z}"
    return _message(begin, text, failure, SentAlert(failure.incident, last.since, now))


def _message(begin: str, text: str, failure: Failure, sent: SentAlert) -> Message:
    first_line = next(iter(text.splitlines()), "")
    subject = f"{begin}: {first_line}"
    where = ", ".join(f"{failure.runbook}#{entry}" for entry in failure.entries)
    return Message(
        subject[:SUBJECT_CHARACTERS] + "…" * (len(subject) > SUBJECT_CHARACTERS),
        f"{begin}.\n\n{text}\n\nRun: {failure.url}\nRunbook: {where}",
        sent,
    )
