"""Throw-away servers: roles and databases, crash and restart, and the end of the parent process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2
import pytest
import sqlalchemy

from deploy.local.postgres_throwaway import Throwaway, throwaway
from deploy.local.processes import find_process
from tests.support.paths import ROOT

CHILD = """
import sys, time
from deploy.local.postgres_throwaway import throwaway
with throwaway() as server:
    print(server.pid, server.cluster.data.parent, flush=True)
    time.sleep(100)
"""


def test_the_url_connects_sqlalchemy_to_the_database_as_the_role(postgres: Throwaway) -> None:
    engine = sqlalchemy.create_engine(postgres.url("loader", "warehouse"))
    with engine.connect() as connection:
        row = connection.execute(sqlalchemy.text("select current_user, current_database()")).one()
    engine.dispose()
    assert tuple(row) == ("loader", "warehouse")


def test_a_database_copies_a_template_and_its_rows(postgres: Throwaway) -> None:
    postgres.create_database("model_of_copies")
    with postgres.connect("owner", "model_of_copies") as connection, connection.cursor() as cursor:
        cursor.execute("create table sample as select 42 as number; grant select on sample to analyst")
    postgres.create_database("copy", template="model_of_copies")
    with postgres.connect("analyst", "copy") as connection, connection.cursor() as cursor:
        cursor.execute("select number from sample")
        assert cursor.fetchone() == (42,)
    with (
        pytest.raises(psycopg2.OperationalError, match="permission denied"),
        postgres.connect("airflow", "copy"),
    ):
        pass
    for name in ("copy", "model_of_copies"):
        postgres.drop_database(name)
    with pytest.raises(psycopg2.OperationalError, match="does not exist"), postgres.connect("owner", "copy"):
        pass


def test_committed_rows_survive_kill_and_start_and_nothing_survives_the_with() -> None:
    with throwaway(durable=True) as server:
        port = server.port
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("create table sample as select 42 as number")
            server.kill()
            with pytest.raises(psycopg2.OperationalError):
                cursor.execute("select pg_sleep(60)")  # the backend notices after a moment
        server.start()
        assert server.port == port
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute("select number from sample")
            assert cursor.fetchone() == (42,)
        pid, home = server.pid, server.cluster.data.parent
        assert find_process(pid)
    assert find_process(pid) is None
    assert not home.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux signals a child when its parent ends.")
def test_a_server_ends_with_its_parent_even_if_the_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD],
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"},
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout
        pid, home = parent.stdout.readline().decode().split()
        assert find_process(int(pid))
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while find_process(int(pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert find_process(int(pid)) is None
    assert Path(home).exists()
    with throwaway():
        # This server has removed the files of the killed one.
        assert not Path(home).exists()
