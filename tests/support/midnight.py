"""A day that lasts: Python, sandbox and database each ask their own clock for today."""

from __future__ import annotations

import importlib
import time
from datetime import UTC, datetime, timedelta
from types import ModuleType

A_FILE = timedelta(minutes=3)
A_TEST = timedelta(minutes=1)
MIDNIGHT = timedelta()
READ_ON = datetime.now(UTC).date()
# The nightly DAG's schedule: into a test that counts what its own run did comes another one.
NIGHTLY_RUN = timedelta(minutes=90)


def let_midnight_pass(within: timedelta) -> None:
    """Wait for midnight in UTC if it is that near."""
    _let_pass(MIDNIGHT, within)


def let_the_night_pass(within: timedelta) -> None:
    """Wait for midnight and for the nightly run, if one is that near, where Airflow's schedule is at work."""
    for instant in (MIDNIGHT, NIGHTLY_RUN):
        _let_pass(instant, within)


def count_from_today(module: ModuleType) -> None:
    """Read a file of tests anew that was read, with all the others, on the day before."""
    if hasattr(module, "TODAY") and datetime.now(UTC).date() != READ_ON:
        importlib.reload(module)


def _let_pass(instant: timedelta, within: timedelta) -> None:
    while (datetime.now(UTC) - instant + within).date() != (datetime.now(UTC) - instant).date():
        time.sleep(1)
