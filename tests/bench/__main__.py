"""`make bench`: everything that is measured, or the parts named (`make bench PARTS="loading page"`).

With `RECORD=1` what the documents show of it is written anew.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable

from tests.bench import airflow_run, growth, loading, page, simulation, stages, task_start
from tests.support.environment import forget_the_caller

RECORD = "--record"
# A part may return what writes its results into the documents.
PARTS: dict[str, Callable[[], Callable[[], None] | None]] = {
    "loading": loading.main,
    "stages": stages.main,
    "airflow_run": airflow_run.main,
    "page": page.main,
    "task_start": task_start.main,
    "growth": growth.main,
    "simulation": simulation.main,
}


def main(names: list[str], *, record: bool) -> None:
    """Run the named parts, or all, and write into the documents what came of it if asked to."""
    if unknown := set(names) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    forget_the_caller()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in names or PARTS:
        write = PARTS[name]()
        if record and write:
            write()


if __name__ == "__main__":
    main([name for name in sys.argv[1:] if name != RECORD], record=RECORD in sys.argv)
