"""A contestant's side of a measurement: read the job, prepare, wait for the start, work, and report the end.

Each contestant is a process with its own environment, so this module imports no packages.
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
    """The data that a contestant loads, its source and its destination."""

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
    def requested(self) -> list[tuple[str, str]]:
        """Every App ID and usage date, day by day."""
        return [(app_id, usage_date) for usage_date in self.usage_dates for app_id in self.app_ids]

    @property
    def login(self) -> tuple[str, str]:
        """Customer ID and Customer Certificate."""
        return self.customer_id, self.customer_certificate

    @property
    def warm_up(self) -> Job:
        """The same job with a few app-days."""
        return replace(self, app_ids=self.app_ids[:WARM_UP_APPS], usage_dates=self.usage_dates[-1:])

    def url(self, app_id: str, usage_date: str) -> str:
        """Return the URL of an app-day's response."""
        return f"{self.base_url}/apps/{app_id}/usages/bandwidth?date={usage_date.replace('-', '')}"


def serve(prepare: Callable[[Job], Callable[[], None]]) -> None:
    """Do the work for a few app-days, then for all of them after the start signal.

    The first pass covers one-time work, such as imports. Only the second pass is measured.

    Args:
        prepare: Receives a job and returns the work.
    """
    # Output of libraries must not be mistaken for a signal.
    signals = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    job = Job(**json.loads(sys.stdin.readline()))
    prepare(job.warm_up)()
    work = prepare(job)
    print("ready", file=signals)
    sys.stdin.readline()
    work()
    print("done", file=signals)
    # Keep running until the process has been measured.
    sys.stdin.readline()
