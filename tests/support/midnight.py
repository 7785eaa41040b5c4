"""Keep midnight from passing during a test: Python, the sandbox and the database each use their own clock."""

from __future__ import annotations

import importlib
import time
from datetime import UTC, datetime, timedelta
from types import ModuleType

FILE_DURATION = timedelta(minutes=3)
TEST_DURATION = timedelta(minutes=1)
MIDNIGHT = timedelta()
IMPORTED_ON = datetime.now(UTC).date()
# The nightly DAG's schedule. A scheduled run would disturb a test that counts what its own run did.
NIGHTLY_RUN = timedelta(minutes=90)


def wait_past_midnight(within: timedelta) -> None:
    """Wait until midnight UTC has passed, if it is due within the given time."""
    _wait_past(MIDNIGHT, within)


def wait_past_midnight_and_nightly_run(within: timedelta) -> None:
    """Wait until midnight UTC and the scheduled nightly run have passed, if due within the given time."""
    for instant in (MIDNIGHT, NIGHTLY_RUN):
        _wait_past(instant, within)


def reload_if_imported_yesterday(module: ModuleType) -> None:
    """Reload a test module that was imported on the day before, if it defines TODAY."""
    if hasattr(module, "TODAY") and datetime.now(UTC).date() != IMPORTED_ON:
        importlib.reload(module)


def _wait_past(instant: timedelta, within: timedelta) -> None:
    while (datetime.now(UTC) - instant + within).date() != (datetime.now(UTC) - instant).date():
        time.sleep(1)
