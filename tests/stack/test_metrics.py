"""A night's metrics on a real stack, as an OpenTelemetry collector receives them from its tasks."""

from __future__ import annotations

import time
from collections.abc import Iterable

from agora.dag_support import metrics
from agora.domain import State
from tests.stack.metrics_receiver import Collector, Sample
from tests.stack.stack import LiveStack

FLUSH_SECONDS = 60
BUSY = {"kind": "status", "status": 429}


def named(names: Iterable[str]) -> set[str]:
    return {f"airflow.{name}" for name in names}


def ours(collector: Collector) -> list[Sample]:
    return [sample for sample in collector.samples if sample.name.startswith("airflow.agora.")]


def arrived(collector: Collector, names: Iterable[str]) -> None:
    """Wait until the last task's process has ended, which sends what it has when it does."""
    wanted, deadline = named(names), time.monotonic() + FLUSH_SECONDS
    while missing := wanted - {sample.name for sample in ours(collector)}:
        assert time.monotonic() < deadline, f"{missing} did not arrive"
        time.sleep(0.2)


def last(collector: Collector, name: str) -> float:
    return collector.of(f"airflow.{name}")[-1].value


def sums(collector: Collector, name: str) -> dict[str, float]:
    """Return a counter's sum by account."""
    found: dict[str, float] = {}
    for sample in collector.of(f"airflow.{name}"):
        found[sample.tags["conn_id"]] = found.get(sample.tags["conn_id"], 0) + sample.value
    return found


def assert_gauges_are_the_warehouses(live: LiveStack, collector: Collector) -> None:
    uncollected = "state in ('pending', 'rejected', 'failed')"
    requested = f"from mart.coverage where days_left >= 0 or days_left >= -2 and {uncollected}"
    states = dict(live.sql(f"select state, count(*) {requested} group by state"))
    ((days_left, newest_days_left, oldest),) = live.sql(
        f"select min(greatest(days_left, 0)) filter (where {uncollected}), max(days_left),"
        f" min(usage_date) filter (where {uncollected}) {requested}"
    )
    sent = {state: last(collector, name) for state, name in metrics.APP_DAYS.items()}
    assert {state: count for state, count in sent.items() if count} == states
    assert last(collector, metrics.DAYS_LEFT) == (newest_days_left if days_left is None else days_left)
    assert last(collector, metrics.AGE_DAYS) == ((live.today - oldest).days if oldest else 0)
    lost = live.sql("select count(*) from mart.coverage where state = 'lost'")
    assert last(collector, metrics.LOST_APP_DAYS) == lost[0][0]


def test_metrics_of_a_night_and_a_look_say_what_the_warehouse_says(
    live: LiveStack, collector: Collector
) -> None:
    busy, broken = live.app_ids[:2]
    live.sandbox(
        "PUT", "faults", [{**BUSY, "app_id": busy, "times": 2}, {**BUSY, "status": 500, "app_id": broken}]
    )
    collector.forget()

    run = live.trigger("agora_bandwidth_daily")
    arrived(collector, [*metrics.GAUGES, *metrics.COUNTERS, *metrics.TIMERS])

    kinds = {sample.name: sample.kind for sample in ours(collector)}
    assert kinds == {
        **dict.fromkeys(named(metrics.GAUGES), "gauge"),
        **dict.fromkeys(named(metrics.COUNTERS), "sum"),
        **dict.fromkeys(named(metrics.TIMERS), "exponential_histogram"),
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
        assert sums(collector, name) == {"agora_dashboard": count}, column
    assert recorded[1] >= 2
    assert recorded[2] == recorded[4] > 0
    assert_gauges_are_the_warehouses(live, collector)
    assert last(collector, metrics.APP_DAYS[State.FAILED]) > 0

    # The watch looks whether anything was collected or not; here the rest is no longer available.
    live.sql(
        "update core.app set wanted = datemultirange(daterange(current_date - 50, current_date - 40))"
        f" where app_id = '{broken}'"
    )
    collector.forget()
    live.trigger("agora_bandwidth_watch")
    arrived(collector, metrics.GAUGES)

    assert_gauges_are_the_warehouses(live, collector)
    assert last(collector, metrics.LOST_APP_DAYS) > last(collector, metrics.AGE_DAYS) == 0
