"""CPU seconds and memory of the processes that take part, children included (Linux)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import psutil

PROC = Path("/proc")
SAMPLES_A_SECOND = 10


def cpu_seconds(pid: int) -> float:
    """Return what a process and its children have used so far, ended children included."""
    return sum(_own_cpu_seconds(part) for part in _tree(pid))


def _own_cpu_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # Backends that have ended are in their parent's account, like the server's short-lived helpers.
    return float(times.user + times.system + times.children_user + times.children_system)


class Memory:
    """The most memory a process and its children have taken, while it is watched.

    Args:
        pid: The process.
        field: Which line of /proc/…/status says it: `VmHWM`, the process's peak of resident memory, or
            `RssAnon`, what it holds alone now, without memory that processes share.
    """

    def __init__(self, pid: int, field: str) -> None:
        self._pid, self._field = pid, field
        self._peak_of: dict[int, int] = {}
        self._peak_together = 0

    @property
    def peak_bytes(self) -> int:
        """Return the peak: of the processes' own peaks the sum, or of the sum the peak."""
        return sum(self._peak_of.values()) if self._field == "VmHWM" else self._peak_together

    def look(self) -> None:
        """Take a sample."""
        now = {pid: _status_bytes(pid, self._field) for pid in _tree(self._pid)}
        self._peak_of |= {pid: max(size, self._peak_of.get(pid, 0)) for pid, size in now.items()}
        self._peak_together = max(self._peak_together, sum(now.values()))


@contextmanager
def watched(*memories: Memory) -> Iterator[None]:
    """Sample memory in a thread, and once more at the end."""
    ended = Event()

    def look() -> None:
        while not ended.wait(1 / SAMPLES_A_SECOND):
            for memory in memories:
                memory.look()

    thread = Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for memory in memories:
            memory.look()


def forget_peak(pid: int) -> None:
    """Let a process's peak of resident memory begin anew."""
    (PROC / str(pid) / "clear_refs").write_text("5")


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        # A process may end while it is looked at.
        with suppress(OSError):
            for task in (PROC / str(parent) / "task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def _status_bytes(pid: int, field: str) -> int:
    with suppress(OSError):
        if line := re.search(
            rf"^{field}:\s+(\d+) kB$", (PROC / str(pid) / "status").read_text(), re.MULTILINE
        ):
            return int(line[1]) * 1024
    return 0
