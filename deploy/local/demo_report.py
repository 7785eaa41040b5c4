"""The report at the end of the demo: coverage, the month's bill per app, addresses and logins."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from psycopg2.extensions import connection as Connection  # noqa: N812 - a type here

from deploy.local.demo_script import REASONS
from deploy.local.settings import ROOT
from deploy.local.stack import DAG_ID, DEMO, Stack

# One row per state and app, with the first and last usage date.
EXCEPTIONS = """
select state, app_name, min(usage_date), max(usage_date)
from (
    select state, app_name, usage_date from mart.coverage where state <> 'collected'
    union all
    select 'restated', app_name, usage_date from mart.restatement
) as app_day
group by state, app_name
order by state, app_name
"""
BILL = (
    "select {name}, p95_kbps, peak_kbps, fourth_peak_kbps, {points}, status, expected_days, calendar_days"
    " from mart.{relation} where month = %s order by p95_kbps desc nulls last, 1"
)
SUMMED = "app_points, expected_app_points"
APPS = BILL.format(name="app_name", points="points, expected_points", relation="billing_monthly")
GROUPS = BILL.format(name="'Group ' || billing_group", points=SUMMED, relation="billing_monthly_group")
TOTAL = BILL.format(name="'All apps, summed per point'", points=SUMMED, relation="billing_monthly_total")
SAMPLE_QUERY = (
    "select usage_date, peak_kbps, p95_kbps, points from mart.bandwidth_daily where app_id = "
    "(select app_id from mart.billing_monthly order by p95_kbps desc nulls last limit 1) "
    "order by usage_date desc limit 7"
)


def count_states(warehouse: Connection) -> dict[str, int]:
    """Return the number of expected app-days in each state."""
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select state, count(*) from mart.coverage group by state order by count(*) desc, state"
        )
        return dict(cursor.fetchall())


def has_app(warehouse: Connection, app_id: str) -> bool:
    """Return whether a run has planned an app's days."""
    return _exists(warehouse, "select from mart.app where app_id = %s", app_id)


def has_restatement(warehouse: Connection) -> bool:
    """Return whether any app-day was restated."""
    return _exists(warehouse, "select from mart.restatement")


def format_coverage(warehouse: Connection) -> str:
    """Return the number of collected app-days, followed by each exception with its scripted reason."""
    found = count_states(warehouse)
    with warehouse.cursor() as cursor:
        cursor.execute(EXCEPTIONS)
        rows = [
            (state, f"{name}, {first}" + (f" to {last}" if last > first else ""), REASONS[state])
            for state, name, first, last in cursor.fetchall()
        ]
    lines = [f"Collected {found.get('collected', 0):,} of {sum(found.values()):,} app-days."]
    if rows:
        states, days, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
        lines += ["The demo causes these exceptions, to show every app-day state and a restatement:"]
        lines += [f"  {state:<{states}}  {day:<{days}}  {reason}" for state, day, reason in rows]
    return "\n".join(lines)


def format_bill(warehouse: Connection) -> str:
    """Return the latest month's bill as an aligned table with rows for apps, billing groups and the total."""
    with warehouse.cursor() as cursor:
        cursor.execute("select max(month) from mart.billing_monthly")
        (month,) = cursor.fetchone() or (None,)
        if month is None:
            return "No bill yet, because no app-day has been collected."
        apps, groups, total = (
            [_bill_row(*row) for row in _fetch(warehouse, query, month)] for query in (APPS, GROUPS, TOTAL)
        )
    heading = ("App", "95th", "Peak", "4th peak", "Points / expected", "Status")
    return f"{month:%B %Y}{_so_far(month)}, Mbps\n\n" + _table(heading, apps, [*groups, *total])


def format_first_steps(warehouse: Connection, ui_url: str) -> str:
    """Return a list of the three pages to open first, each with a description and a URL."""
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select run_id from mart.collection_run order by app_days_changed desc, started_at limit 1"
        )
        (run_id,) = cursor.fetchone() or ("",)
    page, run = f"{ui_url}/plugin/bandwidth", f"{ui_url}/dags/{DAG_ID}/runs/{quote(run_id)}"
    return "\n".join(
        [
            "Open these three pages first:",
            f"1. Which days are complete, and why others are not:  {page}#coverage",
            f"2. The bill of each app and billing group:           {page}#bill",
            f"3. The run that collected the month, with its note:  {run}",
        ]
    )


def format_addresses(stack: Stack) -> str:
    """Return the address and login of each service, and commands to try next."""
    settings, secrets = stack.settings, stack.secrets
    psql = f"{_command_prefix(stack)}bin/psql"
    lines = [
        f"Airflow    {settings.ui_url}   user admin, password {secrets.admin_password}",
        f"Bandwidth  {settings.ui_url}/plugin/bandwidth   (coverage, traffic and bills, inside Airflow)",
    ]
    if stack.mode == DEMO:
        lines.append(
            f"Sandbox    {settings.sandbox_url}/   user {secrets.sandbox_customer_id}, "
            f"password {secrets.sandbox_customer_certificate}"
        )
    lines += [
        f"Warehouse  {psql}   (read-only; to change data: {psql} --owner)",
        f'Try        {psql} -c "{SAMPLE_QUERY}"',
        f"Stop       {_command_prefix(stack)}make stop",
    ]
    return "\n".join(lines)


def _exists(warehouse: Connection, query: str, *values: object) -> bool:
    with warehouse.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.rowcount > 0


def _fetch(warehouse: Connection, query: str, month: date) -> list[tuple[Any, ...]]:
    with warehouse.cursor() as cursor:
        cursor.execute(query, (month,))
        return cursor.fetchall()


def _bill_row(
    name: str,
    p95: Decimal | None,
    peak: Decimal | None,
    fourth: Decimal | None,
    points: int,
    expected: int,
    status: str,
    expected_days: int,
    calendar_days: int,
) -> tuple[str, ...]:
    days = "" if expected_days == calendar_days else f": {expected_days} of {calendar_days} days"
    return name, _mbps(p95), _mbps(peak), _mbps(fourth), f"{points:,} / {expected:,}", f"{status}{days}"


def _so_far(month: date) -> str:
    return " so far" if month == datetime.now(UTC).date().replace(day=1) else ""


def _mbps(kbps: Decimal | None) -> str:
    return "–" if kbps is None else f"{kbps / 1000:,.1f}"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]], totals: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(heading, *rows, *totals, strict=True)]
    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))

    def line(cells: Sequence[str]) -> str:
        first, *numbers = zip(cells, widths, strict=True)
        return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in numbers)])

    return "\n".join([line(heading), rule, *map(line, rows), rule, *map(line, totals)])


def _command_prefix(stack: Stack) -> str:
    """Return the prefix that a command needs to reach this stack."""
    return (
        ""
        if stack.settings.state == ROOT / ".local"
        else f"AGORA_LOCAL_DIR={shlex.quote(str(stack.settings.state))} "
    )
