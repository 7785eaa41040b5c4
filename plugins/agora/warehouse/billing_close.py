"""Close bills: store the statements of billing periods, so that later changes show up as differences."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from agora.errors import SettingsError
from agora.text import format_count

Row = dict[str, Any]

# The last finished period of a group ends before today in the time zone of the app whose day ends last.
CONTRACTS = """
select
    contract.billing_group,
    (date_trunc('month', (min(app.today) - contract.billing_day + 1)::timestamp) - interval '1 month')::date
        as last_month
from core.billing_contract as contract
left join core.app_calendar as app on contract.billing_group = app.billing_group
group by contract.billing_group, contract.billing_day
order by contract.billing_group
"""
STATEMENT = "select * from mart.billing_statement where billing_group = :billing_group and month = :month"
LATEST = """
select * from core.closed_bill
where billing_group = :billing_group and month = :month
order by closing_key desc
limit 1
"""
INSERT = """
insert into core.closed_bill (
    billing_group, month, period_start, period_end, status, method, billable_kbps, commit_kbps, overage_kbps,
    billed_kbps, tiers, amount, currency, app_points, expected_app_points, closed_at, closed_by, run_id,
    invoice_kbps
)
values (
    :billing_group, :month, :period_start, :period_end, :status, :method, :billable_kbps, :commit_kbps,
    :overage_kbps, :billed_kbps, cast(:tiers as jsonb), :amount, :currency, :app_points, :expected_app_points,
    :closed_at, :closed_by, :run_id, :invoice_kbps
)
on conflict (billing_group, month, run_id) do nothing
returning closing_key
"""


@dataclass(frozen=True)
class Request:
    """A user's choice of bills to close.

    Attributes:
        run_id: Airflow run ID.
        closed_by: Airflow user, or None if unknown.
        month: First day of the month in which the period begins. None: the last finished period.
        billing_group: The group. Empty: all groups with a contract.
        invoice_kbps: Rate on the invoice, by the contract's method.
        force: Whether to close bills even if they are not final or are already closed.
    """

    run_id: str
    closed_by: str | None = None
    month: date | None = None
    billing_group: str = ""
    invoice_kbps: Decimal | None = None
    force: bool = False


@dataclass
class Outcome:
    """The results: one text per billing group, in the list for its outcome."""

    closed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    without_data: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return all texts, the most important first."""
        return "\n".join([*self.refused, *self.closed, *self.unchanged, *self.without_data])


def close(connection: Connection, request: Request) -> Outcome:
    """Store the chosen statements that are final, in the caller's transaction.

    A bill that is already closed is left unchanged unless `force` is set. An invoice that arrives later is
    added to the closed bill.

    Raises:
        SettingsError: The group has no contract, no chosen group has data for the month, or an invoice is
            given without a group.
    """
    if request.invoice_kbps is not None and not request.billing_group:
        raise SettingsError("invoice_kbps requires a billing group. Choose one in billing_group.")
    months = {row.billing_group: row.last_month for row in connection.execute(text(CONTRACTS))}
    outcome = Outcome()
    for group in _chosen(request.billing_group, list(months)):
        _close(connection, request, group, months[group], outcome)
    if outcome.text() == "\n".join(outcome.without_data):
        raise SettingsError(" ".join(outcome.without_data))
    return outcome


def _chosen(billing_group: str, known: list[str]) -> list[str]:
    if not known:
        raise SettingsError("No billing group has a contract. Add one to the variable agora_contracts.")
    if billing_group and billing_group not in known:
        raise SettingsError(
            f"The billing group {billing_group} has no contract. Groups with a contract: {', '.join(known)}."
            " Correct the name, or add a contract to the variable agora_contracts."
        )
    return [billing_group] if billing_group else known


def _close(
    connection: Connection, request: Request, group: str, last_month: date | None, outcome: Outcome
) -> None:
    month = request.month or last_month
    which = {"billing_group": group, "month": month}
    latest = _first(connection, LATEST, which)
    by = {"run_id": request.run_id, "closed_by": request.closed_by}
    if latest and not request.force:
        if request.invoice_kbps in (None, latest["invoice_kbps"]):
            outcome.unchanged.append(
                f"{_bill(latest)} was already closed at {latest['closed_at']:%Y-%m-%d %H:%M}."
            )
        elif _insert(connection, {**latest, **by, "invoice_kbps": request.invoice_kbps}, outcome):
            outcome.closed.append(
                f"{_bill(latest)} was already closed. The invoice was added. {_compared(latest, request)}"
            )
        return
    statement = _first(connection, STATEMENT, which)
    if statement is None:
        outcome.without_data.append(_without_data(group, month, last_month))
    elif not statement["is_final"] and not request.force:
        outcome.refused.append(_refused(statement))
    else:
        now = connection.execute(text("select mart.clock()")).scalar_one()
        invoice = request.invoice_kbps
        if invoice is None and latest:
            invoice = latest["invoice_kbps"]
        if _insert(connection, {**statement, **by, "closed_at": now, "invoice_kbps": invoice}, outcome):
            outcome.closed.append(_closed(statement, request))


def _first(connection: Connection, query: str, parameters: Row) -> Row | None:
    row = connection.execute(text(query), parameters).mappings().first()
    return dict(row) if row else None


def _insert(connection: Connection, row: Row, outcome: Outcome) -> bool:
    """Store a closing. Return whether it was stored, because a cleared task stores nothing again."""
    tiers = None if row["tiers"] is None else json.dumps(row["tiers"])
    is_stored = connection.execute(text(INSERT), {**row, "tiers": tiers}).first() is not None
    if not is_stored:
        outcome.closed.append(
            f"{_bill(row)} was already closed by this run. To close it again, trigger a new run with force."
        )
    return is_stored


def _bill(row: Row) -> str:
    return f"{row['billing_group']} {row['month']:%Y-%m} ({row['period_start']} to {row['period_end']})"


def _points(row: Row) -> str:
    return f"{row['app_points']:,} of {format_count(row['expected_app_points'], 'point')}"


def _closed(statement: Row, request: Request) -> str:
    kbps = statement["billable_kbps"]
    rate = "no rate" if kbps is None else f"{kbps:,} kbps"
    amount = statement["amount"]
    price = "" if amount is None else f", {amount:,} {statement['currency']}"
    warning = "" if statement["is_final"] else f" Not final: {statement['status']}, {_points(statement)}."
    return (
        f"Closed {_bill(statement)}: {rate} by {statement['method']}{price}.{warning}"
        f" {_compared(statement, request)}".rstrip()
    )


def _compared(row: Row, request: Request) -> str:
    if request.invoice_kbps is None or row["billable_kbps"] is None:
        return ""
    return f"The invoice differs by {request.invoice_kbps - row['billable_kbps']:+,} kbps."


def _refused(statement: Row) -> str:
    remedy = (
        f"Close it after {statement['period_end']}"
        if statement["status"] == "running"
        else "Collect the missing days"
    )
    return (
        f"{_bill(statement)} is not closed, because it is not final: {statement['status']},"
        f" {_points(statement)}. {remedy}, or set force to close it anyway."
    )


def _without_data(group: str, month: date | None, last_month: date | None) -> str:
    if month is None or last_month is None:
        return f"No app belongs to the billing group {group}."
    is_over = month <= last_month
    reason = (
        "the group has no expected app-day in it" if is_over else "the billing period has no finished day yet"
    )
    return f"{group} has no data for {month:%Y-%m}: {reason}."
