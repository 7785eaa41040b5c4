"""Throw-away PostgreSQL servers for tests. They end with the test run, and their data is removed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import extensions

from agora.warehouse import roles
from deploy.local.errors import StackError
from deploy.local.postgres_binaries import find_programs
from deploy.local.postgres_server import Cluster, database_url
from deploy.local.processes import find_process, start_id
from deploy.local.secret_files import Secrets
from deploy.local.settings import HOST, free_port

PREFIX = "agora-pg-"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass
class Throwaway:
    """A test's own server with the stack's roles and databases and with random passwords.

    The server is a child of the thread that started it. It ends with that thread, even if the process is
    killed (Linux only). The server's files are removed when it ends or when the next server starts.
    """

    cluster: Cluster
    passwords: Mapping[str, str] = field(repr=False)
    parameters: Mapping[str, str]
    _server: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Address on which the server listens."""
        return HOST

    @property
    def port(self) -> int:
        """Port on which the server listens. A restart does not change the port."""
        return self.cluster.port

    @property
    def pid(self) -> int:
        """Process ID of the server."""
        if self._server is None:
            raise StackError("This PostgreSQL server is not running.")
        return self._server.pid

    def url(self, role: str = "owner", database: str = "warehouse") -> str:
        """Return the SQLAlchemy URL of a database for a role (`postgres` is the superuser)."""
        return database_url(role, self.passwords[role], self.port, database)

    def connect(
        self, role: str = "owner", database: str = "warehouse"
    ) -> AbstractContextManager[extensions.connection]:
        """Open a psycopg2 connection in autocommit mode that is closed at the end of the `with` block."""
        return roles.connect(HOST, self.port, role, self.passwords[role], database)

    def create_database(self, name: str, owner: str = "owner", *, template: str | None = None) -> None:
        """Create a warehouse database. Copying a template without connections takes about 30 ms."""
        with self.connect(roles.SUPERUSER, "postgres") as connection:
            roles.create_database(connection, name, owner, is_warehouse=True, template=template)

    def drop_database(self, name: str) -> None:
        """Drop a database and close all connections to it."""
        with self.connect(roles.SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
            cursor.execute(f'drop database if exists "{name}" with (force)')

    def start(self) -> None:
        """Start the server, also after `kill` or `stop`, and wait until it accepts connections."""
        deadline = time.monotonic() + 60
        while not self._try_to_start(deadline):
            # After a server is killed, its backends take a moment to end.
            if time.monotonic() > deadline:
                log = self.cluster.log.read_text(errors="replace").strip()
                raise StackError(f"The throw-away PostgreSQL server does not start:\n{log[-2000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop the server with a fast shutdown."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server's main process. Its backends end once they notice."""
        self._end(signal.SIGKILL)

    def crash(self) -> None:
        """Kill all server processes together, so that none of them writes anything afterwards. Linux only."""
        # Suspend every process before killing the first one, so that no process notices another's end.
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in self.cluster.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, number)
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop and start the server."""
        self.stop()
        self.start()

    def _try_to_start(self, deadline: float) -> bool:
        with self.cluster.log.open("ab") as log:
            self._server = subprocess.Popen(
                self.cluster.programs.command(
                    "postgres",
                    *("-D", str(self.cluster.data), *self.cluster.options(self.parameters)),
                    parent=os.getpid(),
                ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C interrupts only the test run, which stops the server.
                start_new_session=True,
                cwd="/",
            )
        while self._server.poll() is None and time.monotonic() < deadline:
            with suppress(psycopg2.OperationalError), self.connect(roles.SUPERUSER, "postgres"):
                return True
            time.sleep(0.02)
        self._end(signal.SIGKILL)
        return False

    def _end(self, number: signal.Signals) -> None:
        if self._server is None:
            return
        self._server.send_signal(number)
        try:
            self._server.wait(30)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        self._server = None


@contextmanager
def throwaway(
    parameters: Mapping[str, str] | None = None, *, durable: bool = False, pg_bin: Path | None = None
) -> Iterator[Throwaway]:
    """Run a server during a `with` block, with roles and the databases `warehouse` and `airflow`.

    Args:
        parameters: Additional server parameters.
        durable: Leave `fsync` and related parameters on. Chaos tests require this.
        pg_bin: Directory of PostgreSQL's programs. Default: search for them.
    """
    _remove_abandoned()
    home = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        server = _prepare(home, {**({} if durable else FAST), **(parameters or {})}, pg_bin)
        try:
            server.start()
            with server.connect(roles.SUPERUSER, "postgres") as connection:
                roles.create_all(connection, server.passwords)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _prepare(home: Path, parameters: Mapping[str, str], pg_bin: Path | None) -> Throwaway:
    process = find_process(os.getpid())
    (home / "parent").write_text(f"{os.getpid()} {start_id(process) if process else ''}")
    programs = find_programs(pg_bin)
    programs.allow_traversal(home)
    cluster = Cluster(programs, home / "data", home / "log", free_port())
    secrets = Secrets()
    cluster.create(secrets.postgres[roles.SUPERUSER], sync=False)
    return Throwaway(cluster, secrets.postgres, parameters)


def _remove_abandoned() -> None:
    """Remove the files of throw-away servers whose parent process was killed."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, ValueError):
            pid, started = (home / "parent").read_text().split(" ", 1)
            process = find_process(int(pid))
            if home.stat().st_uid == os.geteuid() and (process is None or start_id(process) != started):
                shutil.rmtree(home, ignore_errors=True)
