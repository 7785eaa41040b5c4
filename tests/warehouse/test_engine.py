"""A session of the loader's gives up instead of hanging, wherever the server or the task stands still."""

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


@pytest.mark.skipif(sys.platform != "linux", reason="Other systems know fewer of these options.")
def test_a_server_that_vanished_is_noticed_by_the_kernel(engine: Engine) -> None:
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


def test_every_session_speaks_utc_and_bounds_what_it_waits_for_whatever_the_role_says(engine: Engine) -> None:
    with engine.connect() as connection:
        rows = connection.execute(
            text("select name, current_setting(name) from pg_settings where source = 'client'")
        )
        asked_for = {row.name: row.current_setting for row in rows}
    assert {
        "TimeZone": "UTC",
        "lock_timeout": "1min",
        "statement_timeout": "10min",
        "idle_in_transaction_session_timeout": "20min",
        "application_name": "agora",
    }.items() <= asked_for.items()
