"""Background PostgreSQL servers: create a data directory, start, recover after a crash, and stop."""

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

import psutil

from agora.warehouse import roles
from deploy.local.errors import StackError
from deploy.local.postgres_binaries import Programs, find_programs
from deploy.local.processes import find_process
from deploy.local.secret_files import Secrets, write_private
from deploy.local.settings import HOST, Settings

# Connections use only TCP, because the path of a socket file is limited to about 100 characters.
PARAMETERS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    # Any role may call NOTIFY, and its queue may grow to 8 GB by default.
    "max_notify_queue_pages": "64",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL data directory and the server that runs on it."""

    programs: Programs
    data: Path
    log: Path
    port: int

    def options(self, extra: Mapping[str, str] | None = None) -> list[str]:
        """Return the server's parameters as arguments."""
        parameters = {**PARAMETERS, "port": str(self.port), **(extra or {})}
        return [part for name, value in parameters.items() for part in ("-c", f"{name}={value}")]

    def exists(self) -> bool:
        """Report whether the data directory has been created."""
        return (self.data / "PG_VERSION").exists()

    def create(self, password: str, *, sync: bool = True) -> None:
        """Create the data directory atomically. The server requires a password for every connection.

        Args:
            password: The superuser's password.
            sync: Wait until the files are on disk.
        """
        unfinished = self.data.with_name(f"{self.data.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700, parents=True)
        self.programs.chown(unfinished)
        with tempfile.TemporaryDirectory(prefix="agora-pw-") as private:
            password_file = Path(private) / "password"
            write_private(password_file, password + "\n")
            self.programs.chown(password_file)
            self.programs.chown(Path(private))
            result = self.programs.run(
                "initdb",
                *("-D", str(unfinished), "-U", roles.SUPERUSER, "--auth=scram-sha-256"),
                *("--pwfile", str(password_file), "--encoding=UTF8"),
                # macOS has no C.UTF-8.
                "--locale=C" if sys.platform == "darwin" else "--locale=C.UTF-8",
                *([] if sync else ["--no-sync"]),
            )
        if result.returncode:
            raise StackError(
                f"initdb could not create PostgreSQL's data directory: {_last_line(result.stdout)}"
            )
        unfinished.rename(self.data)

    def start(self, extra: Mapping[str, str] | None = None) -> None:
        """Start the server in the background and wait until it accepts connections.

        Raises:
            StackError: The server does not start. The message contains the last line of the server's log.
        """
        self.log.touch(mode=0o600)
        self.programs.chown(self.log)
        self._remove_stale_pid_file()
        deadline = time.monotonic() + 20
        while True:
            result = self.programs.run(
                "pg_ctl",
                *("-D", str(self.data), "-w", "-t", "90", "-l", str(self.log)),
                *("-o", " ".join(self.options(extra)), "start"),
            )
            if result.returncode == 0:
                return
            # After a server is killed, its backends take a moment to end.
            if time.monotonic() > deadline:
                reason = _last_line(self.log.read_text(errors="replace")) or _last_line(result.stdout)
                raise StackError(f"PostgreSQL does not start: {reason}. Its log is {self.log}.")
            time.sleep(0.5)

    def server_pid(self) -> int | None:
        """Return the ID of the server process for this data directory, or None if no server is running."""
        pid = self._pid_from_file()
        return pid if pid and self._is_server(pid) else None

    def stop(self) -> None:
        """Stop the server (fast shutdown, then SIGQUIT, then SIGKILL) and wait for all its processes."""
        pid = self.server_pid()
        if pid:
            self.programs.run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "30", "stop")
            for number in (signal.SIGQUIT, signal.SIGKILL):
                if self.server_pid() == pid:
                    os.kill(pid, number)
                    self._wait_for_end(5)
        self._wait_for_end(5)

    def processes(self) -> list[int]:
        """Return the IDs of the processes in the data directory, including leftovers of a killed server."""
        data, found = str(self.data.resolve()), []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.cwd() == data:
                    found.append(process.pid)
        return found

    def _wait_for_end(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and (self.server_pid() or self.processes()):
            time.sleep(0.05)

    def _pid_from_file(self) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            return abs(int((self.data / "postmaster.pid").read_text().splitlines()[0]))
        return None

    def _is_server(self, pid: int) -> bool:
        process = find_process(pid)
        if process is None:
            return False
        try:
            return bool(process.cwd() == str(self.data.resolve()))
        except psutil.AccessDenied:
            return str(process.name()).startswith("postgres")
        except psutil.NoSuchProcess:
            return False

    def _remove_stale_pid_file(self) -> None:
        """Remove a PID file with another program's ID, as after a reboot. Such a file prevents a start."""
        pid = self._pid_from_file()
        if pid and find_process(pid) and not self._is_server(pid) and not self.processes():
            (self.data / "postmaster.pid").unlink()


def database_url(role: str, password: str, port: int, database: str) -> str:
    """Return an SQLAlchemy URL. The stack's passwords need no quoting."""
    return f"postgresql+psycopg2://{role}:{password}@{HOST}:{port}/{database}"


def clear_libpq_variables() -> None:
    """Remove libpq variables such as PGSSLMODE, which the caller may have set for another server."""
    for name in [*os.environ]:
        if name.startswith("PG"):
            del os.environ[name]


def stack_cluster(settings: Settings) -> Cluster:
    """Return the local stack's server, running or not."""
    programs = find_programs(settings.pg_bin)
    return Cluster(programs, settings.postgres_data, settings.log_dir / "postgresql.log", settings.pg_port)


def start_stack_cluster(settings: Settings, secrets: Secrets) -> None:
    """Start the local stack's server unless it is running, and create its roles and databases."""
    cluster = stack_cluster(settings)
    if not cluster.server_pid():
        cluster.programs.allow_traversal(settings.state)
        cluster.programs.allow_traversal(settings.log_dir)
        if not cluster.exists():
            cluster.create(secrets.postgres[roles.SUPERUSER])
        cluster.start()
    password = secrets.postgres[roles.SUPERUSER]
    with roles.connect(HOST, settings.pg_port, roles.SUPERUSER, password, "postgres") as connection:
        roles.create_all(connection, secrets.postgres)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
