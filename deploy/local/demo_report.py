"""The report at the end of the demo: coverage, the month's bill per app, addresses and logins."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from psycopg2.extensions import connection as Connection  # noqa: N812 - a type here

from deploy.local.settings import ROOT
from deploy.local.stack import DEMO, Stack

SHOWN_GAPS = 5
RATES = "p95_kbps, peak_kbps, fourth_peak_kbps"
STATUS = "status, expected_days, calendar_days"
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


def format_coverage(warehouse: Connection, names: Mapping[str, str]) -> str:
    """Return the number of collected app-days, and the newest incomplete app-days with their reasons."""
    found = count_states(warehouse)
    lines = [f"Collected {found.get('collected', 0):,} of {sum(found.values()):,} app-days."]
    others = {state: number for state, number in found.items() if state != "collected"}
    if others:
        lines.append(
            "Incomplete app-days: " + ", ".join(f"{n:,} {state}" for state, n in others.items()) + "."
        )
        lines += _gaps(warehouse, names)
    return "\n".join(lines)


def format_bill(warehouse: Connection, names: Mapping[str, str]) -> str:
    """Return the newest month's bill as an aligned table with one row per app and a total for all apps."""
    with warehouse.cursor() as cursor:
        cursor.execute("select max(month) from mart.billing_monthly")
        (month,) = cursor.fetchone() or (None,)
        if month is None:
            return "No bill yet, because no app-day has been collected."
        cursor.execute(
            f"select app_id, {RATES}, points, expected_points, {STATUS} from mart.billing_monthly "  # noqa: S608 - our own
            "where month = %s order by p95_kbps desc nulls last, app_id",
            (month,),
        )
        rows = [_bill_row(names.get(app_id, app_id), *numbers) for app_id, *numbers in cursor.fetchall()]
        cursor.execute(
            f"select {RATES}, app_points, expected_app_points, {STATUS} "  # noqa: S608 - our own
            "from mart.billing_monthly_total where month = %s",
            (month,),
        )
        totals = [_bill_row("All apps, summed per point", *numbers) for numbers in cursor.fetchall()]
    heading = ("App", "95th", "Peak", "4th peak", "Points / expected", "Status")
    return f"{month:%B %Y}{_so_far(month)}, Mbps\n\n" + _table(heading, rows, totals)


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


def _gaps(warehouse: Connection, names: Mapping[str, str]) -> list[str]:
    with warehouse.cursor() as cursor:
        cursor.execute(
            "select app_id, usage_date, state, points, reason from mart.coverage where state <> 'collected' "
            "order by usage_date desc, app_id limit %s",
            (SHOWN_GAPS,),
        )
        return [_gap(names, *row) for row in cursor.fetchall()]


def _gap(
    names: Mapping[str, str], app_id: str, day: date, state: str, points: int | None, reason: str | None
) -> str:
    why = reason or f"{points or 0} of 288 points"
    return f"  {names.get(app_id, app_id)}, {day}: {state}, {why}"


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
