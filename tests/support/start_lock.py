"""A lock that lets only one test process at a time start an installation of Airflow."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def only_start(directories: pytest.TempPathFactory) -> Iterator[None]:
    """Wait until no other process of this test run starts Airflow.

    A start keeps a core busy for half a minute. On two cores, several starts at once exceed timeouts.
    """
    # The parent directory belongs to all processes of the test run.
    with (directories.getbasetemp().parent / "start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
