"""One message an incident: which failed runs are the same one, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agora.errors import RUNBOOK

RUN_FAILED = "run-failed"  # entry for a run that says nothing of its own
SAID_AGAIN_AFTER = timedelta(hours=20)  # once a day, though no two nights take equally long
SUBJECT_CHARACTERS = 120
STILL_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """A run that failed.

    Attributes:
        dag_id: Its DAG.
        run_id: Its name.
        url: Where to look at it.
        text: What it noted, for people.
    """

    dag_id: str
    run_id: str
    url: str
    text: str

    @property
    def entries(self) -> list[str]:
        """The runbook entries that its text points to."""
        return sorted(set(re.findall(rf"{re.escape(RUNBOOK)}#([a-z0-9-]+)", self.text))) or [RUN_FAILED]

    @property
    def incident(self) -> list[str]:
        """What makes a run's failure the same as another's: kinds of failure, and connections named."""
        return sorted({*self.entries, *re.findall(r"\bconnection (\w+)", self.text)})


@dataclass(frozen=True, slots=True)
class Told:
    """What people were last told of a DAG.

    Attributes:
        incident: As `Failure.incident`.
        since: When it was first told, with time zone.
        at: When it was last told, with time zone.
    """

    incident: list[str]
    since: datetime
    at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"incident": self.incident, "since": self.since.isoformat(), "at": self.at.isoformat()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Told:
        """Read what `to_json` returned."""
        since, at = (datetime.fromisoformat(values[name]) for name in ("since", "at"))
        return cls(list(values["incident"]), since, at)


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent.

    Attributes:
        subject: One line.
        text: The rest, with the run's address and the runbook entries.
        told: To be remembered once it is sent.
    """

    subject: str
    text: str
    told: Told


def message(failure: Failure, told: Told | None, now: datetime) -> Message | None:
    """Say what is new; shorter where it goes on from an earlier run; nothing where that was said lately.

    Args:
        failure: The run.
        told: What was last told of its DAG; None since it last succeeded.
        now: The current time, with time zone.
    """
    goes_on = told is not None and told.incident == failure.incident
    if told is None or not goes_on:
        return _message(f"{failure.dag_id} failed", failure.text, failure, Told(failure.incident, now, now))
    if now - told.at < SAID_AGAIN_AFTER:
        return None
    text = failure.text[:STILL_CHARACTERS] + "…" * (len(failure.text) > STILL_CHARACTERS)
    begin = f"{failure.dag_id} still fails, since {told.since:%Y-%m-%d %H:%M %Z}"
    return _message(begin, text, failure, Told(failure.incident, told.since, now))


def _message(begin: str, text: str, failure: Failure, told: Told) -> Message:
    first_line = next(iter(text.splitlines()), "")
    subject = f"{begin}: {first_line}"
    where = ", ".join(f"{RUNBOOK}#{entry}" for entry in failure.entries)
    return Message(
        subject[:SUBJECT_CHARACTERS] + "…" * (len(subject) > SUBJECT_CHARACTERS),
        f"{begin}.\n\n{text}\n\nRun: {failure.url}\nRunbook: {where}",
        told,
    )
