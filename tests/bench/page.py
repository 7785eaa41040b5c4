"""Response times of the page's routes in a real Airflow, with 1,000 apps × 24 months in the warehouse.

`PAGE_DAYS=62 make bench PARTS=page` stores a shorter history.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from agora.warehouse import roles
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.stored_aggregates import refresh
from deploy.local import airflow_setup, stack
from deploy.local.postgres_server import database_url
from deploy.local.settings import HOST, Settings, free_port
from deploy.local.stack import Stack
from tests.bench import workload
from tests.bench.workload import Workload
from tests.support.sandbox_server import running_sandbox

LOAD = Workload(1000, int(os.environ.get("PAGE_DAYS", "730")))
# The sandbox provides the newest days. Older days repeat their points.
BASE_DAYS = 31
GROUPS = ("customer-a", "customer-b", None)
CONTRACT = """
insert into core.billing_contract (billing_group, method, commit_kbps, billing_day)
values ('customer-a', 'p95_kbps', 1e6, 1)
"""
ROUNDS = 5
APP_DAYS = """
insert into core.app_day (
    app_key, usage_date, conn_id, starts_at, state, points, kbps_int4, top_kbps, sum_kbps,
    attempts, http_status, collected_at, verified_at, body_sha256
)
select
    app.app_key, day_row.usage_date - %(age)s, app.conn_id,
    (day_row.usage_date - %(age)s)::timestamp at time zone 'UTC',
    'collected', 288, day_row.kbps, (array_sort(day_row.kbps, true, false))[1:15],
    (select sum(point) from unnest(day_row.kbps) as point), 1, 200, now(), now(), sha256(app.app_id::bytea)
from day_row
inner join core.app on day_row.app_key = app.app_key
where day_row.usage_date - %(age)s >= %(first_date)s
order by day_row.usage_date, day_row.app_key
"""


def main() -> None:
    """Fill a stack's warehouse and print the time of each route."""
    today = datetime.now(UTC).date()
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(Path(scratch) / "local", free_port(), free_port(), free_port())
        try:
            running = stack.start(settings, stack.DEMO, airflow_setup.set_up_airflow)
            app_ids = _fill(running, LOAD.usage_dates(today))
            _report(running, _routes(app_ids, today))
        finally:
            stack.clean(settings)


def _routes(app_ids: list[str], today: date) -> dict[str, str]:
    last_month = (today.replace(day=1) - timedelta(days=1)).replace(day=1)
    month = {"from_date": last_month, "to_date": today.replace(day=1) - timedelta(days=1)}
    whole = {"from_date": today - timedelta(days=62), "to_date": today - timedelta(days=1)}
    of_group = {"billing_group": GROUPS[0]}
    bill = {"month": f"{last_month:%Y-%m}"}
    return {
        "coverage of 62 days": "coverage?" + urlencode(whole),
        "coverage of the window": "coverage",
        "coverage, a search": "coverage?" + urlencode({"search": "app-01", **whole}),
        "bill of last month": "bill?" + urlencode(bill),
        "bill of this month": f"bill?month={today:%Y-%m}",
        "bill of a group": "bill?" + urlencode({**bill, **of_group}),
        "bill of 100 apps that match a text": "bill?" + urlencode({**bill, "search": "app-01"}),
        "statement of a group": "bill/statements?" + urlencode({**bill, **of_group}),
        "months and groups": "months",
        "trend of all apps, months": "trend",
        "trend of all apps, days": "trend?step=day",
        "trend of a group, months": "trend?" + urlencode(of_group),
        "trend of a group, days": "trend?" + urlencode({"step": "day", **of_group}),
        "trend of an app, months": "trend?" + urlencode({"app_id": app_ids[7]}),
        "trend of an app, days": "trend?" + urlencode({"step": "day", "app_id": app_ids[7]}),
        "traffic of one app's month": "traffic?" + urlencode({"app_ids": app_ids[7], **month}),
        "traffic of all apps' sum, a month": "traffic?" + urlencode({"sum": "true", **month}),
        "health": "health",
        "the strip": "overview",
        "the history of a day": "day?" + urlencode({"app_id": app_ids[7], "usage_date": whole["to_date"]}),
    }


def _fill(running: Stack, usage_dates: list[date]) -> list[str]:
    newest = usage_dates[-BASE_DAYS:]
    with running_sandbox(apps=LOAD.apps, window=f"{BASE_DAYS + 5} days", quiet=True) as sandbox:
        app_ids = list(sandbox.app_ids)
        grid = workload.grid_of(sandbox, app_ids, newest)
    password = running.secrets.postgres["owner"]
    with (
        roles.connect(HOST, running.settings.pg_port, "owner", password, "warehouse") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(workload.DAYS_TABLE)
        cursor.copy_expert(
            "copy day_row from stdin (format binary)",
            BytesIO(workload.days_file(grid, LOAD.apps, newest)),
        )
        cursor.execute(
            # The stack's own DAGs may have written the account already.
            "insert into core.vendor_account (conn_id, timezone, window_length)"
            " values ('agora_dashboard', 'UTC', '1 month') on conflict (conn_id) do nothing"
        )
        cursor.executemany(
            "insert into core.app (app_key, app_id, name, conn_id, wanted, billing_group)"
            " overriding system value"
            " values (%s, %s, %s, 'agora_dashboard', datemultirange(daterange(%s, null)), %s)",
            [
                (key, app_id, f"app-{key:04}", usage_dates[0], GROUPS[key % len(GROUPS)])
                for key, app_id in enumerate(app_ids)
            ],
        )
        cursor.execute(CONTRACT)
        for age in range(0, LOAD.days, BASE_DAYS):
            cursor.execute(APP_DAYS, {"age": age, "first_date": usage_dates[0]})
        cursor.execute("drop table day_row")
    # As the last step of a collecting run does.
    refresh(
        warehouse_engine(
            database_url("loader", running.secrets.postgres["loader"], running.settings.pg_port, "warehouse")
        )
    )
    with (
        roles.connect(HOST, running.settings.pg_port, "owner", password, "warehouse") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("vacuum analyze")
    return app_ids


def _report(running: Stack, routes: dict[str, str]) -> None:
    opener = build_opener(ProxyHandler({}))
    api = running.api
    api._call("GET", "/api/v2/version")
    login = {"Authorization": f"Bearer {api._token}", "Accept-Encoding": "gzip"}
    seconds: dict[str, list[float]] = {name: [] for name in routes}
    size: dict[str, int] = {}
    for round_ in range(ROUNDS + 1):
        for name, route in routes.items():
            url = f"{running.settings.ui_url}/agora/bandwidth/api/{route}"
            started = time.perf_counter()
            with opener.open(Request(url, headers=login), timeout=120) as response:  # noqa: S310 - our own server
                size[name] = len(response.read())
            if round_:  # the first round imports the page
                seconds[name].append(time.perf_counter() - started)
    print(
        f"The page in Airflow, {LOAD.name} = {LOAD.points:,} points, {ROUNDS} interleaved rounds, over HTTP"
    )
    print(f"  {'':50} {'median s':>8} {'slowest':>8} {'kB':>8}")
    for name, each in seconds.items():
        print(f"  {name:50} {statistics.median(each):8.3f} {max(each):8.3f} {size[name] / 1000:8.1f}")
    print()
