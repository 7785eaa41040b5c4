"""The push-streaming query in sql/examples, on a history made for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from agora.warehouse.engine import warehouse_engine
from agora.warehouse.push_stream_state import ReportedState, record
from tests.warehouse.database import App, Warehouse
from tests.warehouse.test_examples import run_example

NOW = datetime.now(UTC)
# Per App ID, the age in days and the state of each response, oldest first.
HISTORY: dict[str, Sequence[tuple[int, bool]]] = {
    "always": [(90, True), (1, True)],
    "long since": [(90, False), (40, True), (1, True)],
    "lately": [(90, False), (11, False), (10, True), (1, True)],
    "new": [(3, True), (1, True)],
    "no more": [(90, True), (6, True), (5, False), (1, False)],
    "to and fro": [(90, True), (33, False), (29, True), (20, False), (2, True)],
    "gone before": [(90, True), (45, False), (1, False)],
    "never": [(90, False), (1, False)],
    "new and not": [(3, False)],
}


def days_ago(number: int) -> datetime:
    return NOW - timedelta(days=number)


def test_push_streaming(warehouse: Warehouse) -> None:
    warehouse.add_account()
    warehouse.add_apps([App("lately", date(2026, 1, 1))])
    engine = warehouse_engine(warehouse.url("loader"))
    with engine.begin() as connection:
        for app_id, responses in HISTORY.items():
            for number, enabled in responses:
                record(connection, "agora_dashboard", [ReportedState(app_id, enabled, days_ago(number))])
    engine.dispose()
    rows = [tuple(row.values()) for row in run_example(warehouse, "80_push_streaming")]
    assert rows == [
        ("to and fro", "to and fro", True, days_ago(2), days_ago(2), days_ago(20), 3),
        ("new", "new", True, days_ago(3), days_ago(1), None, 0),
        ("no more", "no more", False, days_ago(5), days_ago(1), days_ago(6), 1),
        ("lately", "Name of lately", True, days_ago(10), days_ago(1), days_ago(11), 1),
        ("long since", "long since", True, days_ago(40), days_ago(1), days_ago(90), 0),
        ("always", "always", True, days_ago(90), days_ago(1), None, 0),
    ]
