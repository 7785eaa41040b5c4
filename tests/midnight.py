"""A day that lasts: Python, sandbox and database each ask their own clock for today."""

from __future__ import annotations

import importlib
import time
from datetime import UTC, datetime, timedelta
from types import ModuleType

A_FILE = timedelta(minutes=3)
A_TEST = timedelta(minutes=1)
READ_ON = datetime.now(UTC).date()


def let_midnight_pass(within: timedelta) -> None:
    """Wait for midnight in UTC if it is that near."""
    while (datetime.now(UTC) + within).date() != datetime.now(UTC).date():
        time.sleep(1)


def count_from_today(module: ModuleType) -> None:
    """Read a file of tests anew that was read, with all the others, on the day before."""
    if hasattr(module, "TODAY") and datetime.now(UTC).date() != READ_ON:
        importlib.reload(module)
