"""A nightly run and analysts through PgBouncer, with transaction pooling and with session pooling."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy.engine import URL, make_url

from agora.bandwidth.plan import Days
from agora.errors import WarehouseError
from agora.warehouse.db_errors import explaining_db_errors
from agora.warehouse.engine import warehouse_engine
from deploy.local.postgres_throwaway import Throwaway
from deploy.local.settings import HOST, free_port
from tests.bandwidth.collect.night import assert_collected, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.client_programs import reading_analysts
from tests.warehouse.database import Warehouse

PGBOUNCER = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
TASKS = 4
# Sessions per role. With transaction pooling, clients share them. With session pooling, each task needs two.
SESSIONS = {"transaction": 3, "session": 2 * TASKS}
# The configuration in Debian's package, except for the mode. It ignores no startup parameter.
CONFIGURATION = """
[databases]
* = host={host} port={server}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = {mode}
default_pool_size = {sessions}
"""

pytestmark = pytest.mark.skipif(
    not Path(PGBOUNCER).exists(), reason="PgBouncer is needed: on Debian `apt-get install pgbouncer`."
)


@dataclass(frozen=True)
class Pooled(Warehouse):
    """A warehouse whose runs go through a pooler. A test's own queries go directly to the server."""

    port: int = 0
    sessions: int = 0

    def url(self, role: str = "owner") -> str:
        return make_url(super().url(role)).set(port=self.port).render_as_string(hide_password=False)


@pytest.fixture(scope="module", params=SESSIONS)
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def port(postgres: Throwaway, mode: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Yield the port of a pooler in front of the server."""
    directory = tmp_path_factory.mktemp("pooler")
    configuration, users, log = (directory / name for name in ("pgbouncer.ini", "users.txt", "log"))
    users.write_text("".join(f'"{role}" "{password}"\n' for role, password in postgres.passwords.items()))
    port = free_port()
    configuration.write_text(
        CONFIGURATION.format(
            host=HOST, server=postgres.port, port=port, users=users, mode=mode, sessions=SESSIONS[mode]
        ),
        encoding="utf-8",
    )
    command = [PGBOUNCER, str(configuration)]
    if os.geteuid() == 0:  # PgBouncer refuses to run as root
        for path in (directory, *directory.parents[:-2]):
            path.chmod(0o755)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    with log.open("w") as output, subprocess.Popen(command, stderr=output) as pooler:
        try:
            _wait(postgres, port, log)
            yield port
        finally:
            pooler.kill()


def _wait(postgres: Throwaway, port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg2.connect(_plain(make_url(postgres.url()).set(port=port))).close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > deadline:
                raise AssertionError(log.read_text()) from None
            time.sleep(0.1)


def _plain(url: str | URL) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture
def pooled(warehouse: Warehouse, mode: str, port: int) -> Pooled:
    return Pooled(warehouse.server, warehouse.database, port, SESSIONS[mode])


def test_a_night_and_analysts_through_the_pooler_agree_with_the_vendor(
    pooled: Pooled, tmp_path: Path
) -> None:
    with running_sandbox(apps=8, quiet=True) as sandbox:
        night, days = night_of(sandbox, pooled), window_days(sandbox)[-4:]
        planned = night.plan(Days(days[0], days[-1])).app_days
        with reading_analysts(pooled, tmp_path), ThreadPoolExecutor(TASKS) as tasks:
            parts = [planned[number::TASKS] for number in range(TASKS)]
            assert [summary.failures for summary in tasks.map(night.collect, parts)] == [{}] * TASKS
        assert_collected(night, sandbox, product(sandbox.app_ids, days))

    # PgBouncer itself copies these settings from a client to its sessions.
    traces = (
        "select name from pg_settings where source = 'session' and name not in"
        " ('application_name', 'client_encoding', 'DateStyle', 'IntervalStyle', 'TimeZone',"
        " 'standard_conforming_strings')"
    )
    with ExitStack() as stack:
        for _ in range(pooled.sessions):  # every session, because each stays in use until the end
            connection = stack.enter_context(closing(psycopg2.connect(_plain(pooled.url("loader")))))
            cursor = connection.cursor()
            cursor.execute(traces)
            assert cursor.fetchall() == []


def test_a_login_that_the_pooler_refuses_is_explained(pooled: Pooled) -> None:
    wrong = make_url(pooled.url("loader")).set(password="wrong")
    with pytest.raises(WarehouseError, match="refuses"), explaining_db_errors("connection agora_warehouse"):
        warehouse_engine(wrong).connect()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"query": {"options": "-c jit=off"}},
            "refuses the connection: .*unsupported startup parameter: options",
        ),
        (
            {"database": "elsewhere"},
            'refuses the connection: .*database "elsewhere" does not exist|has no such database',
        ),
    ],
)
def test_a_parameter_or_database_that_is_refused_is_named(
    pooled: Pooled, changes: dict[str, Any], sentence: str
) -> None:
    url = make_url(pooled.url("loader")).set(**changes)
    with pytest.raises(WarehouseError, match=sentence), explaining_db_errors("connection agora_warehouse"):
        warehouse_engine(url).connect()
