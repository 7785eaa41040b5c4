"""Unit tests open no socket: whatever would talk to a network or a database fails at once."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

import hypothesis
import pytest
from pytest_socket import disable_socket, enable_socket

# How fast the machine is says nothing about the code, and a test leaves no files behind.
hypothesis.settings.register_profile(
    "unit", deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unit")

# Whoever imports Airflow gets directories where AIRFLOW_HOME says: in nobody's home, gone at the end.
AIRFLOW_HOME = TemporaryDirectory(prefix="airflow-home-")
os.environ["AIRFLOW_HOME"] = AIRFLOW_HOME.name


def pytest_runtest_setup(item: pytest.Item) -> None:
    # asyncio wakes its own loop through a pair of Unix sockets.
    disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    enable_socket()
