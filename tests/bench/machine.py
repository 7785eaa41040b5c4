"""The machine and the software versions of the measurements."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import psutil

from tests.bench.contestants import COMPETITORS_PYTHON

COMPETITORS = (
    *("dlt", "adbc-driver-postgresql", "pyarrow"),
    *("singer-sdk", "meltanolabs-target-postgres"),
    *("pandas", "sqlalchemy", "requests"),
)
PRINT_VERSIONS = """
import sys
from importlib.metadata import version
print(", ".join(f"{name} {version(name)}" for name in sys.argv[1:]))
"""


def described(connection: Any) -> str:
    """Return a sentence about the machine and one about the versions.

    Args:
        connection: Connection to the measured PostgreSQL server.
    """
    memory = psutil.virtual_memory().total / 2**30
    kernel = platform.release().partition("-")[0]
    server = str(connection.server_version)
    return (
        f"Measured on {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {kernel};"
        f" Python {platform.python_version()}, PostgreSQL {server[:2]}.{int(server[2:])} with fsync and"
        f" synchronous commit on. Competitors: {_versions()}."
    )


def _processor() -> str:
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return " ".join(model[1].split()) if model else platform.machine()


def _versions() -> str:
    printed = subprocess.run(
        [COMPETITORS_PYTHON, "-c", PRINT_VERSIONS, *COMPETITORS], capture_output=True, text=True, check=True
    )
    return printed.stdout.strip()
