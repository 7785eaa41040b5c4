"""`make bench`: everything that is measured, or the parts named (`make bench PARTS="loading page"`)."""

from __future__ import annotations

import os
import platform
import sys

from tests.bench import loading, page, task_start

PARTS = {"loading": loading.main, "page": page.main, "task_start": task_start.main}


def main(names: list[str]) -> None:
    """Run the named parts, or all."""
    if unknown := set(names) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}.")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name in names or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
