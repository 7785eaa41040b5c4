"""A night's metrics, as the tasks of a real stack send them to an OpenTelemetry collector."""

from __future__ import annotations

import time
from collections.abc import Iterable

from agora.dag_support import metrics
from agora.domain import State
from tests.stack.metrics_receiver import Collector, Sample
from tests.stack.stack import LiveStack

FLUSH_SECONDS = 60
BUSY = {"kind": "status", "status": 429}


def full_names(names: Iterable[str]) -> set[str]:
    return {f"airflow.{name}" for name in names}


def agora_samples(collector: Collector) -> list[Sample]:
    return [sample for sample in collector.samples if sample.name.startswith("airflow.agora.")]


def wait_for_metrics(collector: Collector, names: Iterable[str]) -> None:
    """Wait for metrics. The last task's process sends its metrics when it ends."""
    expected, deadline = full_names(names), time.monotonic() + FLUSH_SECONDS
    while missing := expected - {sample.name for sample in agora_samples(collector)}:
        assert time.monotonic() < deadline, f"{missing} did not arrive"
        time.sleep(0.2)


def last_value(collector: Collector, name: str) -> float:
    return collector.samples_of(f"airflow.{name}")[-1].value


def sums_by_account(collector: Collector, name: str) -> dict[str, float]:
    """Return a counter's sums by account."""
    found: dict[str, float] = {}
    for sample in collector.samples_of(f"airflow.{name}"):
        found[sample.tags["conn_id"]] = found.get(sample.tags["conn_id"], 0) + sample.value
    return found


def assert_gauges_match_the_warehouse(live: LiveStack, collector: Collector) -> None:
    uncollected = "state in ('pending', 'rejected', 'failed')"
    requested = f"from mart.coverage where days_left >= 0 or days_left >= -2 and {uncollected}"
    states = dict(live.sql(f"select state, count(*) {requested} group by state"))
    ((days_left, newest_days_left, oldest),) = live.sql(
        f"select min(greatest(days_left, 0)) filter (where {uncollected}), max(days_left),"
        f" min(usage_date) filter (where {uncollected}) {requested}"
    )
    sent = {state: last_value(collector, name) for state, name in metrics.APP_DAYS.items()}
    assert {state: count for state, count in sent.items() if count} == states
    assert last_value(collector, metrics.DAYS_LEFT) == (newest_days_left if days_left is None else days_left)
    assert last_value(collector, metrics.AGE_DAYS) == ((live.today - oldest).days if oldest else 0)
    lost = live.sql("select count(*) from mart.coverage where state = 'lost'")
    assert last_value(collector, metrics.LOST_APP_DAYS) == lost[0][0]


def test_metrics_of_a_night_and_a_watch_run_match_the_warehouse(
    live: LiveStack, collector: Collector
) -> None:
    busy, broken = live.app_ids[:2]
    live.sandbox(
        "PUT", "faults", [{**BUSY, "app_id": busy, "times": 2}, {**BUSY, "status": 500, "app_id": broken}]
    )
    collector.clear()

    run = live.trigger("agora_bandwidth_daily")
    wait_for_metrics(collector, [*metrics.GAUGES, *metrics.COUNTERS, *metrics.TIMERS])

    kinds = {sample.name: sample.kind for sample in agora_samples(collector)}
    assert kinds == {
        **dict.fromkeys(full_names(metrics.GAUGES), "gauge"),
        **dict.fromkeys(full_names(metrics.COUNTERS), "sum"),
        **dict.fromkeys(full_names(metrics.TIMERS), "exponential_histogram"),
    }
    columns = {
        metrics.REQUESTS: "requests",
        metrics.LIMITED: "limited",
        metrics.RECEIVED: "app_days_received",
        metrics.POINTS_RECEIVED: "points_received",
        metrics.CHANGED: "app_days_changed",
    }
    assert sorted(columns) == sorted(metrics.COUNTERS)
    (recorded,) = live.sql(
        f"select {', '.join(columns.values())} from mart.collection_run where run_id = '{run.run_id}'"
    )
    for (name, column), count in zip(columns.items(), recorded, strict=True):
        assert sums_by_account(collector, name) == {"agora_dashboard": count}, column
    assert recorded[1] >= 2
    assert recorded[2] == recorded[4] > 0
    assert_gauges_match_the_warehouse(live, collector)
    assert last_value(collector, metrics.APP_DAYS[State.FAILED]) > 0

    # The watch sends its gauges even if nothing was collected. Here the missing days are no longer available.
    live.sql(
        "update core.app set wanted = datemultirange(daterange(current_date - 50, current_date - 40))"
        f" where app_id = '{broken}'"
    )
    collector.clear()
    live.trigger("agora_bandwidth_watch")
    wait_for_metrics(collector, metrics.GAUGES)

    assert_gauges_match_the_warehouse(live, collector)
    assert last_value(collector, metrics.LOST_APP_DAYS) > last_value(collector, metrics.AGE_DAYS) == 0
