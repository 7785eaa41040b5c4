"""Fixture that lets operators run outside Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from sqlalchemy import Engine

from agora.operators import billing_close, data_checks, publish
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import Warehouse


@pytest.fixture
def outside_airflow(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let operators run outside Airflow, on the test's warehouse and without its server checks."""

    @contextmanager
    def this_warehouse() -> Iterator[Engine]:
        engine = warehouse_engine(warehouse.url("loader"))
        yield engine
        engine.dispose()

    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    for module in (billing_close, data_checks, publish):
        monkeypatch.setattr(module, "warehouse", this_warehouse)
