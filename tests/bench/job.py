"""A contestant's side of a measurement: told its job, it gets ready, waits for the word, works and says so.

Each contestant is a process of its own with the packages of its own environment, so this imports none.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

WARM_UP_APPS = 10


@dataclass(frozen=True)
class Job:
    """What a contestant is to load, from where, into what."""

    base_url: str
    customer_id: str
    customer_certificate: str
    max_concurrency: int
    app_ids: list[str]
    usage_dates: list[str]
    database_url: str
    schema: str
    scratch: str

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Every App ID and usage date, day by day."""
        return [(app_id, usage_date) for usage_date in self.usage_dates for app_id in self.app_ids]

    @property
    def login(self) -> tuple[str, str]:
        """Customer ID and Customer Certificate."""
        return self.customer_id, self.customer_certificate

    @property
    def warm_up(self) -> Job:
        """The same with a few app-days."""
        return replace(self, app_ids=self.app_ids[:WARM_UP_APPS], usage_dates=self.usage_dates[-1:])

    def url(self, app_id: str, usage_date: str) -> str:
        """Return the address of an app-day's answer."""
        return f"{self.base_url}/apps/{app_id}/usages/bandwidth?date={usage_date.replace('-', '')}"


def serve(prepare: Callable[[Job], Callable[[], None]]) -> None:
    """Do the work on a few app-days, and once more on all of them when told to.

    The first time is for what a process does once, such as importing; only the second is measured.

    Args:
        prepare: Is given a job and returns the work.
    """
    # What libraries print is not to be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    job = Job(**json.loads(sys.stdin.readline()))
    prepare(job.warm_up)()
    work = prepare(job)
    print("ready", file=answers)
    sys.stdin.readline()
    work()
    print("done", file=answers)
    # It stays until it has been measured.
    sys.stdin.readline()
