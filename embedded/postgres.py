"""The PostgreSQL servers we run: the local stack's, which stays, and throw-away ones that do not."""

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
from embedded import binaries, process_table
from embedded.cluster import Cluster
from embedded.errors import StackError
from embedded.ports import free_port
from embedded.secrets_file import Secrets
from embedded.settings import HOST, Settings

PREFIX = "agora-pg-"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def url(role: str, password: str, port: int, database: str) -> str:
    """Return an SQLAlchemy URL; our passwords need no quoting."""
    return f"postgresql+psycopg2://{role}:{password}@{HOST}:{port}/{database}"


def forget_the_callers_server() -> None:
    """Remove libpq's variables, such as PGSSLMODE: they belong to another server than the local stack's."""
    for name in [*os.environ]:
        if name.startswith("PG"):
            del os.environ[name]


def of_stack(settings: Settings) -> Cluster:
    """Return the local stack's server, running or not."""
    programs = binaries.find(settings.pg_bin)
    return Cluster(programs, settings.postgres_data, settings.log_dir / "postgresql.log", settings.pg_port)


def start_of_stack(settings: Settings, secrets: Secrets) -> None:
    """Start the local stack's server, unless it runs, with its roles and databases."""
    cluster = of_stack(settings)
    if not cluster.server_pid():
        cluster.programs.open_way(settings.state)
        cluster.programs.open_way(settings.log_dir)
        if not cluster.exists():
            cluster.create(secrets.postgres[roles.SUPERUSER])
        cluster.start()
    password = secrets.postgres[roles.SUPERUSER]
    with roles.connect(HOST, settings.pg_port, roles.SUPERUSER, password, "postgres") as connection:
        roles.create_all(connection, secrets.postgres)


@dataclass
class Throwaway:
    """A server of a test's own, with the stack's roles and databases and passwords made up for it.

    It is a child of the thread that started it and ends with that thread, even when the process is killed
    (Linux). Its files are removed at the end, or by the next one's start.
    """

    cluster: Cluster
    passwords: Mapping[str, str] = field(repr=False)
    parameters: Mapping[str, str]
    _server: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Address it listens on."""
        return HOST

    @property
    def port(self) -> int:
        """Port it listens on, the same after a restart."""
        return self.cluster.port

    @property
    def pid(self) -> int:
        """Process id of the server."""
        if self._server is None:
            raise StackError("This PostgreSQL server is not running.")
        return self._server.pid

    def url(self, role: str = "owner", database: str = "warehouse") -> str:
        """Return the SQLAlchemy URL of a database as a role (`postgres` is the superuser)."""
        return url(role, self.passwords[role], self.port, database)

    def connect(
        self, role: str = "owner", database: str = "warehouse"
    ) -> AbstractContextManager[extensions.connection]:
        """Open a psycopg2 connection in autocommit, closed at the end of the `with`."""
        return roles.connect(HOST, self.port, role, self.passwords[role], database)

    def create_database(
        self,
        name: str,
        owner: str = "owner",
        *,
        template: str | None = None,
    ) -> None:
        """Create a warehouse; from a template it takes some 30 ms (nobody may be connected to that)."""
        with self.connect(roles.SUPERUSER, "postgres") as connection:
            roles.create_database(connection, name, owner, is_warehouse=True, template=template)

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        with self.connect(roles.SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
            cursor.execute(f'drop database if exists "{name}" with (force)')

    def start(self) -> None:
        """Start the server and wait until it takes connections; after `kill` or `stop` on the same data."""
        deadline = time.monotonic() + 60
        while not self._try_to_start(deadline):
            # The backends of a killed server take a moment to notice.
            if time.monotonic() > deadline:
                log = self.cluster.log.read_text(errors="replace").strip()
                raise StackError(f"The throw-away PostgreSQL does not start:\n{log[-2000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop the server in order."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server's main process as a crash would; its backends end as they notice."""
        self._end(signal.SIGKILL)

    def crash(self) -> None:
        """Kill every process of the server, so that none is left to write out or tidy up (Linux)."""
        # All are halted before the first one dies, so that none notices another's end.
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
                # Not in the terminal's foreground group: Ctrl-C is for the test run, which then stops us.
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
    """Run a server for the length of a `with`, ready with roles and the databases `warehouse` and `airflow`.

    Args:
        parameters: Further server settings.
        durable: Leave fsync and its companions on, as chaos tests want.
        pg_bin: Directory of PostgreSQL's programs, found when absent.
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
    process = process_table.find(os.getpid())
    (home / "parent").write_text(f"{os.getpid()} {process.started if process else ''}")
    programs = binaries.find(pg_bin)
    programs.open_way(home)
    cluster = Cluster(programs, home / "data", home / "log", free_port())
    secrets = Secrets()
    cluster.create(secrets.postgres[roles.SUPERUSER], sync=False)
    return Throwaway(cluster, secrets.postgres, parameters)


def _remove_abandoned() -> None:
    """Remove the files of throw-away servers whose process was killed."""
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, ValueError):
            pid, started = (home / "parent").read_text().split(" ", 1)
            process = process_table.find(int(pid))
            if home.stat().st_uid == os.geteuid() and (process is None or process.started != started):
                shutil.rmtree(home, ignore_errors=True)
