"""What the plugin adds to the start of every task, which loads all plugins before it loads its DAG."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.paths import ROOT

ROUNDS = 9
# What a task process does before it runs anything.
START = (
    "from airflow.sdk.execution_time import task_runner; from airflow.sdk import plugins_manager; {plugins}"
)
LOAD = "plugins_manager._get_plugins()"
NAMES = LOAD + "; import sys; print('fastapi' in sys.modules, 'plotly' in sys.modules)"


def main() -> None:
    """Print how long a task's start takes with the plugin and with an empty plugins folder, side by side."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        (home / "none").mkdir()
        folders = {"without the plugin": home / "none", "with the plugin": ROOT / "plugins"}
        for folder in folders.values():
            _start(home, folder, LOAD)  # files of Airflow's own are made at its first start
        seconds: dict[str, list[float]] = {name: [] for name in folders}
        for _ in range(ROUNDS):
            for name, folder in folders.items():
                seconds[name].append(_start(home, folder, LOAD))
        web = _said(home, folders["with the plugin"], NAMES)
    print(f"Start of a task's process, {ROUNDS} interleaved rounds")
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    for name, median in medians.items():
        print(f"  {name:50} {median:8.2f} s   (best {min(seconds[name]):.2f})")
    print(f"  {'with ÷ without':50} {medians['with the plugin'] / medians['without the plugin']:8.3f}")
    print(f"  {'FastAPI and Plotly imported by it':50} {web:>8}\n")


def _start(home: Path, plugins: Path, load: str) -> float:
    started = time.perf_counter()
    _said(home, plugins, load)
    return time.perf_counter() - started


def _said(home: Path, plugins: Path, load: str) -> str:
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", START.format(plugins=load)],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
            "PYTHONPATH": str(ROOT / "plugins"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.strip().rpartition("\n")[2]
