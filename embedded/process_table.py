"""Which processes exist: who they are (a reused id is another process) and in which session."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A living process; `started` differs between two that had the same id, reboots included."""

    pid: int
    started: str
    session: int


def find(pid: int) -> Process | None:
    """Return the process with this id, None if there is none or only its zombie."""
    return _read_proc(pid) if sys.platform == "linux" else _ask_ps().get(pid)


def everyone() -> Iterator[Process]:
    """Yield every living process that can be seen."""
    if sys.platform != "linux":
        yield from _ask_ps().values()
        return
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (process := _read_proc(int(entry.name))):
            yield process


def has_variable(pid: int, name: str, value: str) -> bool:
    """Tell whether a process was started with this environment variable; False where that cannot be seen."""
    with suppress(OSError):
        return f"{name}={value}".encode() in (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    return False


def working_directory(pid: int) -> Path | None:
    """Return a process's working directory, None where that cannot be seen."""
    with suppress(OSError):
        return (PROC / str(pid) / "cwd").readlink()
    return None


def program_name(pid: int) -> str:
    """Return the base name of a process's program, empty if there is no such process."""
    answer = subprocess.run(
        ["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return Path(answer.stdout.strip()).name


@cache
def _boot() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def _read_proc(pid: int) -> Process | None:
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name in parentheses may hold anything; what follows it is regular.
    fields = text[text.rindex(")") + 2 :].split()
    state, session, started = fields[0], fields[3], fields[19]
    return None if state in "ZX" else Process(pid, f"{_boot()}/{started}", int(session))


def _ask_ps() -> dict[int, Process]:
    answer = subprocess.run(
        ["ps", "-A", "-o", "pid=,stat=,lstart="], capture_output=True, text=True, check=True
    )
    found = {}
    for line in answer.stdout.splitlines():
        pid, state, started = line.split(None, 2)
        with suppress(OSError):
            if not state.startswith("Z"):
                found[int(pid)] = Process(int(pid), started, os.getsid(int(pid)))
    return found
