"""Send metrics through Airflow's own client, to the receiver configured in Airflow's [metrics] section.

docs/operations/observability.md describes each metric and its alarms. Plain StatsD has no tags and only one
value per name. State and stage are therefore part of the name, and each gauge covers all accounts.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow.sdk.configuration import conf
from airflow.sdk.observability import stats

from agora.bandwidth.batch_result import STAGES, Stage, timed
from agora.domain import State

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from agora.bandwidth.batch_result import BatchResult

# These gauges cover days that are still requested. Such a day is never lost.
APP_DAYS = {state: f"agora.app_days.{state}" for state in State if state != "lost"}
LOST_APP_DAYS = "agora.lost_app_days"
DAYS_LEFT = "agora.oldest_uncollected.days_left"
AGE_DAYS = "agora.oldest_uncollected.age_days"
REQUESTS = "agora.requests"
LIMITED = "agora.requests_limited"
DURATION: dict[str, str] = {stage: f"agora.duration.{stage}" for stage in STAGES}
GAUGES = (*APP_DAYS.values(), LOST_APP_DAYS, DAYS_LEFT, AGE_DAYS)
RECEIVED = "agora.app_days_received"
POINTS_RECEIVED = "agora.points_received"
CHANGED = "agora.app_days_changed"
COUNTERS = (REQUESTS, LIMITED, RECEIVED, POINTS_RECEIVED, CHANGED)
TIMERS = tuple(DURATION.values())

# A slow query for metrics must not hold up the task.
QUERY_LIMITS = "set local statement_timeout = '30s'; set local lock_timeout = '5s'"

SWITCHES = ("statsd_on", "statsd_datadog_enabled", "otel_on")
log = logging.getLogger(__name__)


def report_batch(conn_id: str, result: BatchResult) -> None:
    """Send the counts of one batch and the durations of its stages."""
    report_counts(conn_id, result)
    with _never_failing():
        _report_seconds(result.seconds, {"conn_id": conn_id})


def report_counts(conn_id: str, result: BatchResult) -> None:
    """Send an account's counts of requests, received app-days and changed app-days."""
    with _never_failing():
        tags = {"conn_id": conn_id}
        stats.incr(REQUESTS, result.requests, tags=tags)
        stats.incr(LIMITED, result.limited, tags=tags)
        stats.incr(RECEIVED, result.received, tags=tags)
        stats.incr(POINTS_RECEIVED, result.points_received, tags=tags)
        stats.incr(CHANGED, result.changed, tags=tags)


@contextmanager
def report_duration(stage: Stage) -> Iterator[None]:
    """Measure the `with` block and send its duration, unless it fails."""
    seconds: dict[str, float] = {}
    with timed(seconds, stage):
        yield
    with _never_failing():
        _report_seconds(seconds, {})


def report_gauges(engine: Engine) -> None:
    """Send the numbers of app-days and the oldest missing day. Without a receiver, query nothing.

    Args:
        engine: Warehouse engine.
    """
    with _never_failing():
        if not any(conf.getboolean("metrics", switch) for switch in SWITCHES):
            return
        from sqlalchemy import text

        from agora.warehouse.reports.gauges import read_gauges

        with engine.connect() as connection:
            connection.execute(text(QUERY_LIMITS))
            now = read_gauges(connection)
        for state, name in APP_DAYS.items():
            stats.gauge(name, now.app_days.get(state, 0))
        stats.gauge(LOST_APP_DAYS, now.lost_app_days)
        stats.gauge(AGE_DAYS, now.age_days)
        if now.days_left is not None:
            stats.gauge(DAYS_LEFT, now.days_left)


def _report_seconds(seconds: Mapping[str, float], tags: dict[str, str]) -> None:
    for stage, taken in seconds.items():
        stats.timing(DURATION[stage], timedelta(seconds=taken), tags=tags)


@contextmanager
def _never_failing() -> Iterator[None]:
    """Log any exception from the `with` block instead of failing the task."""
    try:
        yield
    except Exception as error:
        log.warning("Metrics were not sent: %s: %s", type(error).__name__, error)
