"""A server that may lose commits or characters is refused, and the message contains the remedy."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import Engine, create_engine, text

from agora.errors import WarehouseError
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.server_checks import require_durable_server
from deploy.local.postgres_throwaway import Throwaway, throwaway

REMEDY = re.compile(r"(?:ALTER|SELECT) [^;]+;")


@pytest.fixture(scope="module")
def server() -> Iterator[Throwaway]:
    with throwaway(durable=True) as running:
        yield running


@pytest.fixture
def engine(server: Throwaway) -> Iterator[Engine]:
    made = require_durable_server(warehouse_engine(server.url("loader")))
    yield made
    made.dispose()


def administer(server: Throwaway, *statements: str) -> None:
    """Run statements as the superuser, one by one, as ALTER SYSTEM requires."""
    with server.connect("postgres", "warehouse") as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def shown(server: Throwaway, name: str) -> str:
    with server.connect("loader") as connection, connection.cursor() as cursor:
        cursor.execute(f"show {name}")
        return str(cursor.fetchall()[0][0])


def wait_until(server: Throwaway, name: str, value: str) -> None:
    """Wait until the server has reloaded its configuration, which it does without notification."""
    deadline = time.monotonic() + 60
    while shown(server, name) != value:
        assert time.monotonic() < deadline, f"{name} did not become {value} within a minute"
        time.sleep(0.02)


def wait_for_number_of_sessions(server: Throwaway, number: int) -> None:
    """Wait until the loader has this number of sessions. A closed session takes a moment to end."""
    deadline = time.monotonic() + 60
    with server.connect("postgres") as connection, connection.cursor() as cursor:
        found = None
        while found != (number,):
            assert time.monotonic() < deadline, f"the loader has sessions: {found}, not {number}"
            cursor.execute("select count(*) from pg_stat_activity where usename = 'loader'")
            found = cursor.fetchone()


def refusal(engine: Engine) -> str:
    with pytest.raises(WarehouseError) as refused, engine.connect():
        pass
    return str(refused.value)


def test_a_durable_server_is_accepted_in_a_session_without_a_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        assert driver.info.transaction_status == TRANSACTION_STATUS_IDLE
        assert connection.execute(text("select current_user")).scalar_one() == "loader"


@pytest.mark.parametrize(
    ("switch_off", "finding"),
    [
        ("alter role all set synchronous_commit = off", "synchronous_commit is off for all roles"),
        (
            "alter database warehouse set synchronous_commit = off",
            "synchronous_commit is off for the database warehouse",
        ),
        ("alter role loader set synchronous_commit = off", "synchronous_commit is off for the role loader"),
        (
            "alter role loader in database warehouse set synchronous_commit = off",
            "synchronous_commit is off for the role loader in the database warehouse",
        ),
        *(
            (f"alter system set {name} = off", f"{name} is off in the server's configuration")
            for name in ("fsync", "full_page_writes", "synchronous_commit")
        ),
    ],
)
def test_the_message_names_where_a_setting_is_off_and_its_statements_fix_it(
    server: Throwaway, engine: Engine, switch_off: str, finding: str
) -> None:
    name = finding.split()[0]
    administer(server, switch_off, "select pg_reload_conf()")
    wait_until(server, name, "off")

    message = refusal(engine)
    administer(server, *REMEDY.findall(message))
    wait_until(server, name, "on")

    assert finding in message
    with engine.connect():
        pass
    administer(
        server,
        *(f"alter role {role} reset synchronous_commit" for role in ("all", "loader")),
        "alter role loader in database warehouse reset synchronous_commit",
        "alter database warehouse reset synchronous_commit",
        "alter system reset all",
    )


def test_a_server_started_without_durability_is_refused_with_all_three_settings() -> None:
    with throwaway() as fast:
        message = refusal(require_durable_server(warehouse_engine(fast.url("loader"))))
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        assert f"{name} is off on the server's command line" in message
        assert f"start the server without {name}=off" in message


def test_an_option_of_the_connection_is_detected(server: Throwaway) -> None:
    bare = create_engine(server.url("loader"), connect_args={"options": "-c synchronous_commit=off"})
    assert "remove synchronous_commit from the options" in refusal(require_durable_server(bare))


def test_another_roles_setting_does_not_matter(server: Throwaway, engine: Engine) -> None:
    administer(server, "alter role analyst set synchronous_commit = off")
    with engine.connect():
        pass
    administer(server, "alter role analyst reset synchronous_commit")


@pytest.mark.parametrize("value", ["local", "remote_write"])
def test_commits_that_wait_for_this_servers_disk_are_durable(
    server: Throwaway, engine: Engine, value: str
) -> None:
    administer(server, f"alter role loader set synchronous_commit = {value}")
    with engine.connect():
        pass
    administer(server, "alter role loader reset synchronous_commit")


def test_every_new_connection_is_checked_and_closed_if_refused(server: Throwaway, engine: Engine) -> None:
    with engine.connect():
        administer(server, "alter role loader set synchronous_commit = off")
        # pytest keeps the error, which would keep an unclosed connection open.
        with pytest.raises(WarehouseError) as refused, engine.connect():
            pass
        wait_for_number_of_sessions(server, 1)
        assert "for the role loader" in str(refused.value)
    administer(server, "alter role loader reset synchronous_commit")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_that_is_not_in_unicode_is_refused(server: Throwaway, encoding: str) -> None:
    name = f"warehouse_{encoding.lower()}"
    options = f"owner owner encoding '{encoding}' locale 'C' template template0"
    administer(server, f"create database {name} {options}")
    with pytest.raises(WarehouseError, match=f"the encoding {encoding}. UTF8 is required.*--encoding UTF8"):
        migrate(server.url("owner", name))
    with pytest.raises(WarehouseError, match=f"the encoding {encoding}. UTF8 is required"):
        warehouse_engine(server.url("loader", name)).connect()
