"""A task that is ended in mid-batch, by its time-out or by hand, brings in what has arrived."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from agora.bandwidth import fetch
from agora.warehouse import raw_responses
from tests.bandwidth.collect.night import night_of
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse


class TimeIsUp(Exception):
    """As Airflow raises it, wherever the task is."""


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    def ring(_: int, frame: FrameType | None) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_what_was_kept_raw_is_loaded_too(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    store = raw_responses.store

    def kept_while_the_time_is_up(*given: Any) -> None:
        store(*given)
        # By then the event loop is idle: a full chunk waits. The alarm would end whatever code it met.
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        time.sleep(1.0)

    monkeypatch.setattr(fetch, "CHUNK_APP_DAYS", 20)
    with running_sandbox(apps=10, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        planned = night.plan()
        (probed,) = warehouse.rows("select coalesce(max(response_key), 0) as key from raw.bandwidth_response")
        monkeypatch.setattr(raw_responses, "store", kept_while_the_time_is_up)
        with pytest.raises(TimeIsUp):
            night.collect(planned.app_days)

    kept = warehouse.rows(
        "select app_id, usage_date from raw.bandwidth_response where response_key > %s", (probed["key"],)
    )
    ledger = night.ledger()
    assert 20 <= len(kept) < len(planned.app_days)
    assert {ledger.get((row["app_id"], row["usage_date"]), {}).get("state") for row in kept} == {"collected"}
