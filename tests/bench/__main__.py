"""`make bench`: all measurements, or only the given parts (`make bench PARTS="loading page"`).

With `RECORD=1`, the results in the documents are rewritten.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable

from tests.bench import account, airflow_run, growth, loading, page, simulation, stages, task_start
from tests.bench.soak import week
from tests.support.environment import clear_caller_environment

RECORD = "--record"
# A part may return a function that writes its results into the documents.
PARTS: dict[str, Callable[[], Callable[[], None] | None]] = {
    "loading": loading.main,
    "stages": stages.main,
    "airflow_run": airflow_run.main,
    "page": page.main,
    "task_start": task_start.main,
    "growth": growth.main,
    "account": account.main,
    "simulation": simulation.main,
    "soak": week.main,
}


def main(names: list[str], *, record: bool) -> None:
    """Run the given parts, or all, and optionally write the results into the documents."""
    if unknown := set(names) - set(PARTS):
        sys.exit(f"Unknown parts: {', '.join(sorted(unknown))}. The parts are {', '.join(PARTS)}.")
    clear_caller_environment()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in names or PARTS:
        write = PARTS[name]()
        if record and write:
            write()


if __name__ == "__main__":
    main([name for name in sys.argv[1:] if name != RECORD], record=RECORD in sys.argv)
