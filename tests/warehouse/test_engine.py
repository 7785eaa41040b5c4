"""The loader's sessions time out instead of hanging if the server or the task stops responding."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import Warehouse


@pytest.fixture
def engine(module_warehouse: Warehouse) -> Iterator[Engine]:
    made = warehouse_engine(module_warehouse.url("loader"))
    yield made
    made.dispose()


@pytest.mark.skipif(sys.platform != "linux", reason="Other systems have fewer of these options.")
def test_the_kernel_detects_a_server_that_vanished(engine: Engine) -> None:
    raw = engine.raw_connection()
    driver = raw.driver_connection
    assert driver is not None
    with socket.socket(fileno=driver.fileno()) as wire:
        found = [
            wire.getsockopt(level, option)
            for level, option in (
                (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                (socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            )
        ]
        wire.detach()
    raw.close()
    assert found == [1, 30, 10, 6, 90_000]


def test_every_transaction_sets_utc_and_time_limits_whatever_the_roles_settings(
    module_warehouse: Warehouse, engine: Engine
) -> None:
    pinned = {
        "timezone": "UTC",
        "lock_timeout": "1min",
        "statement_timeout": "10min",
        "idle_in_transaction_session_timeout": "20min",
        "transaction_isolation": "read committed",
        "application_name": "agora",
    }
    setting = f"alter role loader in database {module_warehouse.database}"
    hostile = f"{setting} set timezone = 'Asia/Tokyo'; {setting} set lock_timeout = 0"
    module_warehouse.run(hostile, role="postgres")
    with engine.connect() as connection:
        for _ in range(2):
            found = {name: connection.execute(text(f"show {name}")).scalar() for name in pinned}
            assert found == pinned
            connection.commit()


def test_no_setting_is_left_in_the_session_for_a_poolers_next_client(engine: Engine) -> None:
    changed = "select name, setting from pg_settings where source in ('session', 'interactive') order by name"
    with engine.connect() as connection:
        connection.execute(text("select 1"))
        connection.commit()
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.autocommit = True
        with driver.cursor() as cursor:
            cursor.execute(changed)
            assert cursor.fetchall() == []
