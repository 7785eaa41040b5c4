"""Long-running services: started in sessions of their own, recognised later, stopped with their children."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from embedded import process_table
from embedded.errors import StackError
from embedded.private_file import write_private
from embedded.process_table import Process

# Every process of a stack inherits it, so that those which left their session are found too.
MARKER = "AGORA_STACK_STATE"
# Seconds a service may take to end in order.
PATIENCE = 4.0
FINGERPRINTED = ("AIRFLOW", "AGORA_", "PYTHON", "SANDBOX_")


@dataclass(frozen=True)
class Service:
    """A program that runs until it is stopped.

    Attributes:
        name: Names its record and its log file.
        command: What to run; it shows in the process list, so no secrets.
        environment: All of its environment variables.
        state: The stack's state directory.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    state: Path

    @property
    def log(self) -> Path:
        """Where its output goes."""
        return self.state / "log" / f"{self.name}.log"

    def is_running(self) -> bool:
        """Tell whether the service runs."""
        return Record(self.name, self.state).leader() is not None

    def is_current(self) -> bool:
        """Tell whether the service runs with this very command and environment."""
        record = Record(self.name, self.state)
        return record.leader() is not None and record.read().get("fingerprint") == self._fingerprint()

    def start(self) -> bool:
        """Start the service unless it runs as wanted; return whether it was started.

        One that runs otherwise, or whose main process died and left others behind, is stopped first.
        """
        if self.is_current():
            return False
        stop({self.name: PATIENCE}, self.state)
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            child = subprocess.Popen(
                self.command,
                env={**self.environment, MARKER: str(self.state)},
                cwd=self.state,
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        Record(self.name, self.state).write(child.pid, self._fingerprint())
        # The service outlives us: nobody shall wait for it or warn of it.
        child.returncode = 0
        return True

    def require_running(self) -> None:
        """Refuse to go on without the service.

        Raises:
            StackError: It has ended; the text has its log's last lines.
        """
        if not self.is_running():
            raise StackError(f"{self.name} has ended. The end of {self.log}:\n{tail(self.log)}")

    def _fingerprint(self) -> str:
        ours = {key: value for key, value in self.environment.items() if key.startswith(FINGERPRINTED)}
        return hashlib.sha256(json.dumps([list(self.command), sorted(ours.items())]).encode()).hexdigest()


@dataclass(frozen=True)
class Record:
    """What is written down of a running service: its process id, when that began, how it was started."""

    name: str
    state: Path

    @property
    def path(self) -> Path:
        """The record's file."""
        return self.state / "run" / f"{self.name}.json"

    def read(self) -> dict[str, object]:
        """Return the record, empty if there is none that can be read."""
        with suppress(OSError, ValueError):
            return dict(json.loads(self.path.read_text()))
        return {}

    def write(self, pid: int, fingerprint: str) -> None:
        """Write down a process that was just started."""
        process = process_table.find(pid)
        started = process.started if process else ""
        write_private(self.path, json.dumps({"pid": pid, "started": started, "fingerprint": fingerprint}))

    def remove(self) -> None:
        """Forget the service."""
        self.path.unlink(missing_ok=True)

    def leader(self) -> Process | None:
        """Return the service's main process if it lives; a reused process id is not it."""
        record = self.read()
        pid = record.get("pid")
        process = process_table.find(pid) if isinstance(pid, int) else None
        return process if process and process.started == record.get("started") else None

    def members(self) -> list[Process]:
        """Return the living processes of the service's session."""
        record = self.read()
        pid, started = record.get("pid"), str(record.get("started", ""))
        if not isinstance(pid, int) or _is_other_boot(started):
            return []
        at_pid = process_table.find(pid)
        if at_pid and at_pid.started != started:
            # Somebody else got the number, which the kernel does not give away while our session lasts.
            return []
        return [process for process in process_table.everyone() if process.session == pid]


def stop(patience: Mapping[str, float], state: Path) -> None:
    """Stop services together, with everything they started.

    All main processes are asked at once to end and to end their children in order. A service that is not
    through when its patience is over is told again, then killed.

    Args:
        patience: Seconds in which each service may finish what it does; one that does not run is no error.
        state: The stack's state directory.
    """
    began = time.monotonic()
    records = [Record(name, state) for name in sorted(patience, key=patience.__getitem__)]
    led = [(record, leader) for record in records if (leader := record.leader())]
    _signal([leader for _, leader in led], signal.SIGTERM)
    for record, _ in led:
        _wait(record, began + patience[record.name] - time.monotonic())
        _end(record)
    for record in records:
        _end(record)
        record.remove()


def stop_strays(state: Path) -> None:
    """Kill processes of the stack that left their service's session or whose record is lost."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        strays = [
            process
            for process in process_table.everyone()
            if process.pid != os.getpid() and process_table.has_variable(process.pid, MARKER, str(state))
        ]
        _signal(strays, number)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline and any(_lives(process) for process in strays):
            time.sleep(0.05)


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of a log file."""
    with suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""


def _end(record: Record) -> None:
    """End what is left of a service, by force if need be."""
    for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
        left = record.members()
        if left:
            _signal(left, number)
            _wait(record, seconds)


def _wait(record: Record, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and record.members():
        time.sleep(0.1)


def _signal(processes: Sequence[Process], number: signal.Signals) -> None:
    for process in processes:
        if _lives(process):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, number)


def _lives(process: Process) -> bool:
    return process_table.find(process.pid) == process


def _is_other_boot(started: str) -> bool:
    current = process_table.find(os.getpid())
    return current is None or started.rpartition("/")[0] != current.started.rpartition("/")[0]
