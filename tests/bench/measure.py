"""Wall time and CPU seconds of a block, over all processes that take part."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Sample:
    """One measurement: seconds of wall time, and CPU seconds by who spent them."""

    wall_seconds: float
    cpu_seconds: dict[str, float]


def measured(work: Callable[[], None], processes: dict[str, int]) -> Sample:
    """Run `work` once and say what it took.

    Args:
        work: What is measured.
        processes: Name → pid of the processes that take part; children count too, ended ones included.
    """
    before = {name: _cpu_seconds(pid) for name, pid in processes.items()}
    started = time.perf_counter()
    work()
    wall_seconds = time.perf_counter() - started
    return Sample(wall_seconds, {name: _cpu_seconds(pid) - before[name] for name, pid in processes.items()})


def _cpu_seconds(pid: int) -> float:
    process = psutil.Process(pid)
    return sum(_own_cpu_seconds(part) for part in _with_children(process))


def _with_children(process: psutil.Process) -> Iterable[psutil.Process]:
    return [process, *process.children(recursive=True)] if process.pid != psutil.Process().pid else [process]


def _own_cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    own: float = times.user + times.system
    # Backends that have ended are in their parent's account, like the server's short-lived helpers.
    return own if process.pid == psutil.Process().pid else own + times.children_user + times.children_system
