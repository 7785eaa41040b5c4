"""One usage date as the sandbox serves it: the points of every app, without faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sandbox.answers import Answers, Value
from sandbox.catalogue import App


@dataclass(frozen=True)
class ServedDay:
    """The usage date of one call, with the app that the call names.

    Attributes:
        answers: The source of the true points.
        app_by_id: The account's apps.
        app_id: The App ID of the call.
        usage_date: The usage date.
        slots: The number of slots that are over, counted from the start of the day.
    """

    answers: Answers
    app_by_id: Mapping[str, App]
    app_id: str
    usage_date: date
    slots: int

    def true_value(self, app_id: str) -> Value:
        """Return an app's true points in kbps, by slot label."""
        return self.answers.value(self.app_by_id[app_id], self.usage_date, self.slots)

    def labels(self) -> list[str]:
        """Return the label of every slot that is over, with or without a true point."""
        return self.answers.labels(self.usage_date, self.slots)
