"""The throw-away server of tests: complete, cheap, crashable, and gone with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy

from embedded import process_table
from embedded.postgres import Throwaway, throwaway
from embedded.settings import ROOT

CHILD = """
import sys, time
from embedded.postgres import throwaway
with throwaway() as server:
    print(server.pid, server.cluster.data.parent, flush=True)
    time.sleep(100)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Throwaway]:
    with throwaway() as running:
        yield running


def test_url_is_sqlalchemys_and_reaches_the_database_as_the_role(server: Throwaway) -> None:
    engine = sqlalchemy.create_engine(server.url("loader", "warehouse"))
    with engine.connect() as connection:
        row = connection.execute(sqlalchemy.text("select current_user, current_database()")).one()
    engine.dispose()
    assert tuple(row) == ("loader", "warehouse")


def test_further_databases_copy_a_template_and_its_rows(server: Throwaway) -> None:
    server.create_database("model")
    with server.connect("owner", "model") as connection, connection.cursor() as cursor:
        cursor.execute("create table kept as select 42 as number; grant select on kept to analyst")
    server.create_database("copy", template="model")
    with server.connect("analyst", "copy") as connection, connection.cursor() as cursor:
        cursor.execute("select number from kept")
        assert cursor.fetchone() == (42,)
    with (
        pytest.raises(psycopg2.OperationalError, match="permission denied"),
        server.connect("airflow", "copy"),
    ):
        pass
    server.drop_database("copy")
    with pytest.raises(psycopg2.OperationalError, match="does not exist"), server.connect("owner", "copy"):
        pass


def test_committed_rows_survive_kill_and_start_on_the_same_port() -> None:
    with throwaway(durable=True) as server:
        port = server.port
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("create table kept as select 42 as number")
            server.kill()
            with pytest.raises(psycopg2.OperationalError):
                cursor.execute("select pg_sleep(60)")  # it may take a moment to notice
        server.start()
        assert server.port == port
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("select number from kept")
            assert cursor.fetchone() == (42,)


def test_nothing_is_left_after_the_with() -> None:
    with throwaway() as server:
        pid, home = server.pid, server.cluster.data.parent
        assert process_table.find(pid)
    assert process_table.find(pid) is None
    assert not home.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux tells a child of its parent's end.")
def test_dies_with_its_parent_even_when_that_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout
        pid, home = parent.stdout.readline().decode().split()
        assert process_table.find(int(pid))
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while process_table.find(int(pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert process_table.find(int(pid)) is None
    # Its files are removed by the next one.
    assert Path(home).exists()
    with throwaway():
        assert not Path(home).exists()
