"""Start services in their own sessions, find them later, and stop them with all their children."""

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

import psutil

from deploy.local.errors import StackError
from deploy.local.secret_files import write_private

# Every process of a stack inherits this variable. It identifies processes that have left their session.
MARKER = "AGORA_STACK_STATE"
# Seconds that a service has for an orderly stop.
STOP_SECONDS = 4.0
FINGERPRINTED = ("AIRFLOW", "AGORA_", "PYTHON", "SANDBOX_")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def find_process(pid: int) -> psutil.Process | None:
    """Return the process with this ID, or None if it does not exist or is a zombie."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return process
    return None


def start_id(process: psutil.Process) -> str:
    """Return the boot and the clock tick in which a process started.

    No later process with the same ID shares both values. Unlike the time of day, they survive changes to the
    system clock.
    """
    seconds = process.create_time() - psutil.boot_time()
    return f"{_boot_id()}/{round(seconds * os.sysconf('SC_CLK_TCK'))}"


def processes_with_variable(name: str, value: str) -> list[psutil.Process]:
    """Return the processes that have an environment variable, as far as the system shows it."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(name) == value and find_process(process.pid):
                found.append(process)
    return found


@dataclass(frozen=True)
class Service:
    """A program that runs until it is stopped.

    Attributes:
        name: Name of the service's record and log file.
        command: Command line. The process list shows it, so it must not contain secrets.
        environment: All environment variables of the service.
        state: The stack's state directory.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    state: Path

    @property
    def log(self) -> Path:
        """File that receives the service's output."""
        return self.state / "log" / f"{self.name}.log"

    def is_running(self) -> bool:
        """Report whether the service is running."""
        return Record(self.name, self.state).leader() is not None

    def is_current(self) -> bool:
        """Report whether the service is running with this command and environment."""
        record = Record(self.name, self.state)
        return record.leader() is not None and record.read().get("fingerprint") == self._fingerprint()

    def start(self) -> bool:
        """Start the service unless it is current, and return whether it was started.

        A running service with another command or environment is stopped first, as are any children that a
        dead main process left behind.
        """
        if self.is_current():
            return False
        stop({self.name: STOP_SECONDS}, self.state)
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
        # The service outlives this command, so Popen must neither wait for it nor warn about it.
        child.returncode = 0
        return True

    def require_running(self) -> None:
        """Raise an error unless the service is running.

        Raises:
            StackError: The service has ended. The message contains the last lines of its log.
        """
        if not self.is_running():
            raise StackError(f"{self.name} has ended. The last lines of {self.log}:\n{tail(self.log)}")

    def _fingerprint(self) -> str:
        ours = {key: value for key, value in self.environment.items() if key.startswith(FINGERPRINTED)}
        return hashlib.sha256(json.dumps([list(self.command), sorted(ours.items())]).encode()).hexdigest()


@dataclass(frozen=True)
class Record:
    """File that identifies a running service by process ID, start, and hash of command and environment."""

    name: str
    state: Path

    @property
    def path(self) -> Path:
        """The record's file."""
        return self.state / "run" / f"{self.name}.json"

    def read(self) -> dict[str, object]:
        """Return the record, or an empty dict if it is missing or unreadable."""
        with suppress(OSError, ValueError):
            return dict(json.loads(self.path.read_text()))
        return {}

    def write(self, pid: int, fingerprint: str) -> None:
        """Record a process that has just been started."""
        process = find_process(pid)
        started = start_id(process) if process else ""
        write_private(self.path, json.dumps({"pid": pid, "started": started, "fingerprint": fingerprint}))

    def remove(self) -> None:
        """Delete the record."""
        self.path.unlink(missing_ok=True)

    def leader(self) -> psutil.Process | None:
        """Return the service's main process if it is alive, but not another process that reuses its ID."""
        record = self.read()
        pid = record.get("pid")
        process = find_process(pid) if isinstance(pid, int) else None
        return process if process and start_id(process) == record.get("started") else None

    def members(self) -> list[psutil.Process]:
        """Return the live processes of the service's session."""
        record = self.read()
        session, started = record.get("pid"), str(record.get("started", ""))
        if not isinstance(session, int) or started.rpartition("/")[0] != _boot_id():
            return []
        at_pid = find_process(session)
        if at_pid and start_id(at_pid) != started:
            # Another process reuses the ID, so the session has ended. Until then, the kernel reserves the ID.
            return []
        return [
            process
            for pid in psutil.pids()
            if _session_id(pid) == session and (process := find_process(pid)) is not None
        ]


def stop(seconds: Mapping[str, float], state: Path) -> None:
    """Stop services together, including all processes that they started.

    All main processes receive SIGTERM at the same time, and stop their children in order. If a service does
    not end within its `seconds`, all of its processes receive SIGTERM, then SIGKILL.

    Args:
        seconds: Time that each service has to finish its work. Services that are not running are ignored.
        state: The stack's state directory.
    """
    began = time.monotonic()
    records = [Record(name, state) for name in sorted(seconds, key=seconds.__getitem__)]
    led = [(record, leader) for record in records if (leader := record.leader())]
    _signal([leader for _, leader in led], signal.SIGTERM)
    for record, _ in led:
        _wait(record, began + seconds[record.name] - time.monotonic())
        _end(record)
    for record in records:
        _end(record)
        record.remove()


def stop_strays(state: Path) -> None:
    """Stop the stack's processes that left their service's session or whose record is lost."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        strays = [
            process for process in processes_with_variable(MARKER, str(state)) if process.pid != os.getpid()
        ]
        _signal(strays, number)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline and any(find_process(stray.pid) == stray for stray in strays):
            time.sleep(0.05)


def tail(path: Path, lines: int = 15) -> str:
    """Return the last lines of a log file."""
    with suppress(OSError):
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    return ""


def _end(record: Record) -> None:
    """Stop the remaining processes of a service with SIGTERM, then SIGKILL."""
    for number, seconds in ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0)):
        left = record.members()
        if left:
            _signal(left, number)
            _wait(record, seconds)


def _wait(record: Record, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and record.members():
        time.sleep(0.1)


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        # psutil refuses to signal another process that reuses the ID.
        with suppress(psutil.Error):
            process.send_signal(number)


def _session_id(pid: int) -> int | None:
    with suppress(OSError):
        return os.getsid(pid)
    return None


def _boot_id() -> str:
    with suppress(OSError):
        return BOOT_ID.read_text().strip()
    return str(round(psutil.boot_time()))
