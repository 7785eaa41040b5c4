"""The time that the plugin adds to the start of every task, then the CPU time of each task of a run."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import task_share
from tests.support.paths import ROOT

ROUNDS = 9
# The first steps of a task process.
START = (
    "from airflow.sdk.execution_time import task_runner; from airflow.sdk import plugins_manager; {plugins}"
)
LOAD = "plugins_manager._get_plugins()"
# The plugin is loaded from an installed package.
WITHOUT = "plugins_manager._load_entrypoint_plugins = lambda: ([], {}); " + LOAD
NAMES = LOAD + "; import sys; print('fastapi' in sys.modules, 'plotly' in sys.modules)"


def main() -> None:
    """Print the time of a task's start with and without the plugin, then the CPU time of each task."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        loads = {"without the plugin": WITHOUT, "with the plugin": LOAD}
        for load in loads.values():
            _start(home, load)  # Airflow creates its own files on its first start
        seconds: dict[str, list[float]] = {name: [] for name in loads}
        for _ in range(ROUNDS):
            for name, load in loads.items():
                seconds[name].append(_start(home, load))
        web = _run(home, NAMES)
    print(f"Start of a task's process, {ROUNDS} interleaved rounds")
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    for name, median in medians.items():
        print(f"  {name:50} {median:8.2f} s   (best {min(seconds[name]):.2f})")
    print(f"  {'with ÷ without':50} {medians['with the plugin'] / medians['without the plugin']:8.3f}")
    print(f"  {'FastAPI and Plotly imported by it':50} {web:>8}\n")
    task_share.main()


def _start(home: Path, load: str) -> float:
    started = time.perf_counter()
    _run(home, load)
    return time.perf_counter() - started


def _run(home: Path, load: str) -> str:
    completed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START.format(plugins=load)],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "PYTHONPATH": str(ROOT / "plugins"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return completed.stdout.strip().rpartition("\n")[2]
