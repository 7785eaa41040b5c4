"""Queries of users, the page and the planner: the time and the plan of each."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from agora.bandwidth.window import edge_end, oldest_requested
from agora.warehouse import planning_queries
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.schema_version import SQL
from agora.warehouse.reports import bill, coverage, day_history, health, overview, traffic
from deploy.local.postgres_throwaway import Throwaway

CONN_ID = "agora_dashboard"
WINDOW = "60 days"  # as in growth
SETTLE_DAYS = 2
NEVER = datetime.max.replace(tzinfo=UTC)
MOST = 648_000  # capacity of a run at ten requests per second
Call = Callable[[Connection], Any]
Query = tuple[str, dict[str, Any]]

TIMES = re.compile(r"Execution Time: ([0-9.]+) ms")
BUFFERS = re.compile(r"Buffers: shared(?: hit=([0-9]+))?(?: read=([0-9]+))?")
SCAN = re.compile(
    r"\b(?P<node>(?!Subquery|CTE)[A-Z][A-Za-z ]*Scan)(?: Backward)?"
    r"(?: using (?P<index>\w+))? on (?P<relation>\w+)"
    r".*\(actual time=[0-9.]+\.\.(?P<ms>[0-9.]+) rows=(?P<rows>[0-9]+)[0-9.]* loops=(?P<loops>[0-9]+)\)"
)


def report(server: Throwaway, plans: Path) -> None:
    """Print the time of each call, and for single queries also the rows, blocks and scans.

    Args:
        server: Server with the filled warehouse.
        plans: File for the complete plans.
    """
    today = datetime.now(UTC).date()
    engine = warehouse_engine(server.url("loader"))
    with engine.connect() as connection:
        connection.execute(text("set statement_timeout = 0"))
        app_ids = list(connection.execute(text("select app_id from core.app order by app_id")).scalars())
        print(f"  {'calls of the planner and the page, second of two times':52} {'seconds':>8}")
        for name, call in _calls(app_ids, today).items():
            print(f"  {name:52} {_second_seconds(connection, call):8.3f}")
        print(f"\n  {'one query, second of two times':52} {'seconds':>8} {'rows':>8} {'blocks':>9}  scans")
        with plans.open("w", encoding="utf-8") as file:
            for name, (sql, values) in _queries(app_ids, today).items():
                rows = len(connection.execute(text(sql), values).all())
                plan = "\n".join(
                    connection.execute(text(f"explain (analyze, buffers) {sql}"), values).scalars()
                )
                file.write(f"{name}\n{sql.strip()}\n\n{plan}\n\n\n")
                print(f"  {name:52} {_summary(plan, rows)}")
                connection.rollback()
    engine.dispose()
    print(f"\nThe plans are in {plans}\n")


def _calls(app_ids: list[str], today: date) -> dict[str, Call]:
    month, yesterday = _month(today), today - timedelta(days=1)
    first = today - timedelta(days=31)
    batch = [(app_id, day) for day in (first, yesterday) for app_id in app_ids]
    choice = coverage.Choice(first, yesterday, "", coverage.Sort.EXPIRY, 50, 0)
    return {
        "planner: what is missing": lambda c: planning_queries.missing(
            c, CONN_ID, oldest=oldest_requested(WINDOW, today), most=MOST
        ),
        "planner: settled days to re-check": lambda c: planning_queries.rechecks(
            c,
            CONN_ID,
            oldest=edge_end(WINDOW, today),
            newest=today - timedelta(days=SETTLE_DAYS + 1),
            settle_days=SETTLE_DAYS,
            most=MOST,
        ),
        "collector: apps that were served before": lambda c: planning_queries.served(c, CONN_ID, most=5),
        "collector: results of a batch": lambda c: planning_queries.results(c, batch, NEVER),
        "watch: what is not collected": lambda c: planning_queries.incomplete_days(c, datetime.now(UTC)),
        "page: coverage of the window, 50 apps": lambda c: coverage.coverage(c, choice),
        "page: the window": coverage.window,
        "page: bill of a month and the previous month": lambda c: bill.bill(c, month),
        "page: months": bill.months,
        "page: apps": lambda c: traffic.apps(c, "a", 20),
        "page: traffic of one app, 31 days": lambda c: traffic.traffic(
            c, app_ids[7:8], False, first, yesterday
        ),
        "page: traffic of the sum of all apps, 31 days": lambda c: traffic.traffic(
            c, [], True, first, yesterday
        ),
        "page: health": health.health,
        "page: the strip": overview.overview,
        "page: the strip's version": overview.version,
        "page: the history of a day": lambda c: day_history.day_history(c, app_ids[7], yesterday),
    }


def _queries(app_ids: list[str], today: date) -> dict[str, Query]:
    values = {
        "month": _month(today),
        "app_id": app_ids[7],
        "from_time": datetime(today.year, today.month, today.day, 12, tzinfo=UTC) - timedelta(days=10),
        "to_time": datetime(today.year, today.month, today.day, 13, tzinfo=UTC) - timedelta(days=10),
    }
    of_month = "usage_date >= :month and usage_date < cast(:month as date) + interval '1 month'"
    of_app = "app_id = :app_id"
    hour = "interval_start >= :from_time and interval_start < :to_time"
    queries = {
        "bill of a month, every app": "select * from mart.billing_monthly where month = :month",
        "bill of a month, one app": "select * from mart.billing_monthly"
        " where month = :month and app_id = :app_id",
        "bill of a month, the total": "select * from mart.billing_monthly_total where month = :month",
        "points of a month, one app": f"select * from mart.bandwidth_5min where {of_app} and {of_month}",
        "points of a month, the sum of all apps": f"select * from mart.bandwidth_5min_total where {of_month}",
        "daily figures of a month, every app": f"select * from mart.bandwidth_daily where {of_month}",
        "coverage of the window by state": "select state, count(*) from mart.coverage"
        " where usage_date >= (select min(window_begins_on) from mart.vendor_account) and days_left >= 0"
        " group by state",
        "coverage of all times by state": "select state, count(*) from mart.coverage group by state",
        "an hour, every app, by mart.bandwidth_5min_between": "select *"
        " from mart.bandwidth_5min_between(:from_time, :to_time)",
        "an hour, every app, by interval_start alone": f"select * from mart.bandwidth_5min where {hour}",
    }
    files = {
        f"{folder}: {path.stem}": path.read_text(encoding="utf-8").rstrip().rstrip(";")
        for folder in ("examples", "checks")
        for path in sorted((SQL / folder).glob("*.sql"))
    }
    # A colon in a file does not mark a parameter.
    return {name: (sql, values) for name, sql in queries.items()} | {
        name: (re.sub(r"(?<!:):(?!:)", r"\\:", sql), {}) for name, sql in files.items()
    }


def _month(today: date) -> date:
    """Return the month that contains most of the days."""
    return (today - timedelta(days=16)).replace(day=1)


def _second_seconds(connection: Connection, call: Call) -> float:
    for _ in range(2):
        started = time.perf_counter()
        call(connection)
        seconds = time.perf_counter() - started
        connection.rollback()
    return seconds


def _summary(plan: str, rows: int) -> str:
    """Summarise a plan: time, rows, blocks, and the two slowest scans."""
    found = BUFFERS.search(plan)
    blocks = sum(int(count or 0) for count in found.groups()) if found else 0
    seconds = float(TIMES.findall(plan)[-1]) / 1000
    scans = sorted(SCAN.finditer(plan), key=lambda scan: -float(scan["ms"]) * int(scan["loops"]))
    short = [
        f"{scan['node']} {scan['index'] or scan['relation']}, {int(scan['rows']) * int(scan['loops']):,} rows"
        for scan in scans[:2]
    ]
    return f"{seconds:8.3f} {rows:8,} {blocks:9,}  {'; '.join(short)}"
