"""A PostgreSQL data directory: made, served in the background, recovered after a crash, stopped."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agora.warehouse.roles import SUPERUSER
from embedded import process_table
from embedded.binaries import Programs
from embedded.errors import StackError
from embedded.private_file import write_private
from embedded.settings import HOST

# Connections go over TCP alone: a socket file's path may be at most about 100 characters long.
ALWAYS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    # NOTIFY needs no right, and its queue may take 8 GB by default.
    "max_notify_queue_pages": "64",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Cluster:
    """One data directory and the server on it."""

    programs: Programs
    data: Path
    log: Path
    port: int

    def options(self, extra: Mapping[str, str] | None = None) -> list[str]:
        """Return the server's settings as arguments."""
        settings = {**ALWAYS, "port": str(self.port), **(extra or {})}
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def exists(self) -> bool:
        """Tell whether the data directory was made."""
        return (self.data / "PG_VERSION").exists()

    def create(self, password: str, *, sync: bool = True) -> None:
        """Make the data directory, whole or not at all; passwords are wanted everywhere.

        Args:
            password: The superuser's.
            sync: Wait until it is on disk.
        """
        unfinished = self.data.with_name(f"{self.data.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700, parents=True)
        self.programs.give(unfinished)
        with tempfile.TemporaryDirectory(prefix="agora-pw-") as private:
            password_file = Path(private) / "password"
            write_private(password_file, password + "\n")
            self.programs.give(password_file)
            self.programs.give(Path(private))
            answer = self.programs.run(
                "initdb",
                *("-D", str(unfinished), "-U", SUPERUSER, "--auth=scram-sha-256"),
                *("--pwfile", str(password_file), "--encoding=UTF8"),
                # macOS has no C.UTF-8.
                "--locale=C" if sys.platform == "darwin" else "--locale=C.UTF-8",
                *([] if sync else ["--no-sync"]),
            )
        if answer.returncode:
            raise StackError(f"PostgreSQL's data directory could not be made: {_last_line(answer.stdout)}")
        unfinished.rename(self.data)

    def start(self, extra: Mapping[str, str] | None = None) -> None:
        """Start the server in the background and wait until it takes connections.

        Raises:
            StackError: It does not start; the text has the log's last line.
        """
        self.log.touch(mode=0o600)
        self.programs.give(self.log)
        self._forget_foreign_process()
        deadline = time.monotonic() + 20
        while True:
            answer = self.programs.run(
                "pg_ctl",
                *("-D", str(self.data), "-w", "-t", "90", "-l", str(self.log)),
                *("-o", " ".join(self.options(extra)), "start"),
            )
            if answer.returncode == 0:
                return
            # The backends of a server that was killed take a moment to notice.
            if time.monotonic() > deadline:
                reason = _last_line(self.log.read_text(errors="replace")) or _last_line(answer.stdout)
                raise StackError(f"PostgreSQL does not start: {reason}. Its log is {self.log}.")
            time.sleep(0.5)

    def server_pid(self) -> int | None:
        """Return the process id of the server on this data directory, None if there is none."""
        pid = self._noted_pid()
        return pid if pid and process_table.find(pid) and self._is_server(pid) else None

    def stop(self) -> None:
        """Stop the server: in order, else at once, and wait for all of it to end."""
        pid = self.server_pid()
        if pid:
            self.programs.run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "30", "stop")
            for last_resort in (signal.SIGQUIT, signal.SIGKILL):
                if self.server_pid() == pid:
                    os.kill(pid, last_resort)
                    self._wait_for_end(5)
        self._wait_for_end(5)

    def processes(self) -> list[int]:
        """Return every process that works in the data directory, those left by a killed server too."""
        data = self.data.resolve()
        return [
            process.pid
            for process in process_table.everyone()
            if process_table.working_directory(process.pid) == data
        ]

    def _wait_for_end(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (self.server_pid() or self.processes()):
            time.sleep(0.05)

    def _noted_pid(self) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            return abs(int((self.data / "postmaster.pid").read_text().splitlines()[0]))
        return None

    def _is_server(self, pid: int) -> bool:
        place = process_table.working_directory(pid)
        if place is None:
            return process_table.program_name(pid).startswith("postgres")
        return place == self.data.resolve()

    def _forget_foreign_process(self) -> None:
        """Remove a note that names another program's process: after a reboot PostgreSQL would not start."""
        pid = self._noted_pid()
        if pid and process_table.find(pid) and not self._is_server(pid) and not self.processes():
            (self.data / "postmaster.pid").unlink()


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
