"""A task interrupted during a batch, by its time-out or by hand, loads the responses received so far."""

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


class TaskInterrupted(Exception):
    """Stand-in for the exception that Airflow raises at any point in a task."""


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    def ring(_: int, frame: FrameType | None) -> None:
        raise TaskInterrupted

    before = signal.signal(signal.SIGALRM, ring)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_stored_responses_are_loaded_when_a_task_is_interrupted(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = raw_responses.store

    def store_until_interrupted(*given: Any) -> None:
        store(*given)
        # By then a full chunk waits and the event loop is idle. The alarm interrupts any running code.
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        time.sleep(1.0)

    monkeypatch.setattr(fetch, "CHUNK_APP_DAYS", 20)
    with running_sandbox(apps=10, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        planned = night.plan()
        (probed,) = warehouse.rows("select coalesce(max(response_key), 0) as key from raw.bandwidth_response")
        monkeypatch.setattr(raw_responses, "store", store_until_interrupted)
        with pytest.raises(TaskInterrupted):
            night.collect(planned.app_days)

    stored = warehouse.rows(
        "select app_id, usage_date from raw.bandwidth_response where response_key > %s", (probed["key"],)
    )
    ledger = night.ledger()
    assert 20 <= len(stored) < len(planned.app_days)
    assert {ledger.get((row["app_id"], row["usage_date"]), {}).get("state") for row in stored} == {
        "collected"
    }
