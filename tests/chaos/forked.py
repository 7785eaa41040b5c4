"""A forked child process with everything imported. It reports over a pipe and can be killed at any time."""

from __future__ import annotations

import ctypes
import json
import math
import os
import select
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

PR_SET_PDEATHSIG = 1
Report = dict[str, Any]


class Reports:
    """The child's end of the pipe, with one JSON object per line."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, **report: Any) -> None:
        """Send a report, which remains readable after a SIGKILL."""
        line = json.dumps(report).encode() + b"\n"
        with self._lock:
            while line:
                line = line[os.write(self._descriptor, line) :]


class Child:
    """The parent's view of the child process."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor = descriptor
        self._incomplete = b""
        self._unread: deque[Report] = deque()
        self.ended = False

    def reports(self, until: float = math.inf) -> Iterator[Report]:
        """Yield reports as they arrive, until a time (as of time.monotonic()) or the child's end."""
        while True:
            while self._unread:
                yield self._unread.popleft()
            left = until - time.monotonic()
            if self.ended or left <= 0:
                return
            wait = None if left == math.inf else left
            if select.select([self._descriptor], [], [], wait)[0]:
                self._read()

    def kill(self) -> None:
        """Kill the child. Its earlier reports can still be read."""
        os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the child and release its resources."""
        with suppress(ProcessLookupError):
            self.kill()
        os.close(self._descriptor)
        os.waitpid(self.pid, 0)

    def _read(self) -> None:
        chunk = os.read(self._descriptor, 1 << 16)
        self.ended = not chunk
        # A line cut off by the kill is ignored.
        *lines, self._incomplete = (self._incomplete + chunk).split(b"\n")
        self._unread.extend(json.loads(line) for line in lines)


def fork(work: Callable[[Reports], None]) -> Child:
    """Run `work` in a child of this process; its exceptions become the report `failed`.

    Call it only while there are no threads or connections that the child would share.
    """
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return Child(pid, ours)
    try:
        os.close(ours)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        reports = Reports(theirs)
        try:
            work(reports)
            reports.send(done=True)
        except Exception as error:
            reports.send(failed=type(error).__name__, text=str(error)[:500])
    finally:
        os._exit(0)
