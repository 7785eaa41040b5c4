"""CPU seconds and memory of the measured processes, children included (Linux)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import psutil

PROC = Path("/proc")
SAMPLES_PER_SECOND = 10


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds of a process and its children so far, ended children included."""
    return sum(_own_cpu_seconds(part) for part in _tree(pid))


def _own_cpu_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # A parent's times include ended children, such as backends and short-lived helpers of the server.
    return float(times.user + times.system + times.children_user + times.children_system)


class Memory:
    """The peak memory of a process and its children while they are watched.

    Args:
        pid: The process.
        field: Line of /proc/…/status to read: `VmHWM`, the process's peak of resident memory, or `RssAnon`,
            its current private memory, without memory that processes share.
    """

    def __init__(self, pid: int, field: str) -> None:
        self._pid, self._field = pid, field
        self._peak_of: dict[int, int] = {}
        self._peak_together = 0

    @property
    def peak_bytes(self) -> int:
        """The sum of the processes' peaks for `VmHWM`, otherwise the peak of their sum."""
        return sum(self._peak_of.values()) if self._field == "VmHWM" else self._peak_together

    def sample(self) -> None:
        """Take a sample."""
        now = {pid: _status_bytes(pid, self._field) for pid in _tree(self._pid)}
        self._peak_of |= {pid: max(size, self._peak_of.get(pid, 0)) for pid, size in now.items()}
        self._peak_together = max(self._peak_together, sum(now.values()))


@contextmanager
def watched(*memories: Memory) -> Iterator[None]:
    """Sample memory in a thread, and again at the end."""
    ended = Event()

    def sample() -> None:
        while not ended.wait(1 / SAMPLES_PER_SECOND):
            for memory in memories:
                memory.sample()

    thread = Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        for memory in memories:
            memory.sample()


def reset_peak(pid: int) -> None:
    """Reset a process's peak of resident memory."""
    (PROC / str(pid) / "clear_refs").write_text("5")


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        # A process may end while it is read.
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
