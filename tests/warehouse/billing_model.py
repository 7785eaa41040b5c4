"""An independent model of statements and closed bills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from agora.settings.contracts import Contract, Tier
from tests.warehouse.database import days_between
from tests.warehouse.reference import rounded
from tests.warehouse.test_billing_periods import (
    NO_POINT,
    ORIGIN,
    BilledApp,
    figures,
    status,
    with_a_day,
)

Row = dict[str, Any]
CENT, THREE_PLACES = Decimal("0.01"), Decimal("0.001")


def period_of(month: date, billing_day: int) -> tuple[date, date]:
    """Return the first and the last day of the billing period that begins in a month."""
    following = (month + timedelta(days=31)).replace(day=billing_day)
    return month.replace(day=billing_day), following - timedelta(days=1)


def amount(kbps: Decimal | None, tiers: Sequence[Tier]) -> Decimal | None:
    """Return the price of a rate, computed tier by tier from the top."""
    if kbps is None or not tiers:
        return None
    price, left = Decimal(0), kbps
    for tier in reversed(tiers):
        if left > tier.from_kbps:
            price += (left - tier.from_kbps) * tier.price_per_mbps
            left = tier.from_kbps
    return (price / 1000).quantize(CENT, ROUND_HALF_UP)


def days_until(commit: Decimal, values: Sequence[tuple[int, Decimal]]) -> int | None:
    """Return the number of days from the last value until the least-squares line reaches the commit."""
    if len(values) < 7:
        return None
    days = [Fraction(day) for day, _ in values]
    rates = [Fraction(kbps) for _, kbps in values]
    mean_day, mean_rate = sum(days) / len(days), sum(rates) / len(rates)
    spread = sum((day - mean_day) ** 2 for day in days)
    slope = sum((day - mean_day) * rate for day, rate in zip(days, rates, strict=True)) / spread
    if slope <= 0:
        return None
    found = max(0, ceil(mean_day + (Fraction(commit) - mean_rate) / slope) - values[-1][0])
    return found if found <= 365 else None


@dataclass
class Model:
    """The state on which statements and closed bills depend.

    Attributes:
        apps: The apps by App ID, as collected.
        zones: Time zone of each app's account.
        now: The warehouse's time.
        contracts: Contracts by billing group.
        closings: Closings by group and month, oldest first.
    """

    apps: dict[str, BilledApp]
    zones: dict[str, str]
    now: datetime
    contracts: dict[str, Contract] = field(default_factory=dict)
    closings: dict[tuple[str, date], list[Row]] = field(default_factory=dict)

    def today(self, app_id: str) -> date:
        return self.now.astimezone(ZoneInfo(self.zones[app_id])).date()

    def first_open_day(self, group: str) -> date:
        """Return the first day that is not over for every app of a group."""
        return min(self.today(app.app_id) for app in self.apps.values() if app.group == group)

    def members(self, group: str) -> list[BilledApp]:
        """Return the apps of a group, without days that are not over."""
        return [self._so_far(app) for app in self.apps.values() if app.group == group]

    def _so_far(self, app: BilledApp) -> BilledApp:
        today = self.today(app.app_id)
        is_over = app.ordinal < today.toordinal()
        return replace(
            app,
            days=frozenset(day for day in app.days if day < today),
            kbps=np.where(is_over, app.kbps, np.nan),
            ordinal=np.where(is_over, app.ordinal, NO_POINT),
        )

    def statement(self, group: str, month: date) -> Row | None:
        contract = self.contracts[group]
        first, last = period_of(month, contract.billing_day)
        terms = self.bill(group, first, last, contract)
        if terms is None:
            return None
        is_running = terms["status"] == "running"
        of_all = terms.pop("all")
        kbps, commit = terms["billable_kbps"], contract.commit_kbps
        is_known = contract.method != "top_five_mean_kbps" or of_all["points"] > 1136 + 4 * of_all["days"]
        is_projected = is_running and is_known and kbps is not None
        has_trend = is_running and kbps is not None and commit is not None and kbps < commit
        return {
            "billing_group": group,
            "month": month,
            "period_start": first,
            "period_end": last,
            "is_final": terms["status"] == "final",
            "method": contract.method,
            "commit_kbps": None if commit is None else commit.quantize(THREE_PLACES),
            "currency": contract.currency,
            "tiers": [tier.model_dump(mode="json") for tier in contract.priced_tiers] or None,
            "projected_kbps": kbps if is_projected else None,
            "projected_amount": terms["amount"] if is_projected else None,
            "days_until_commit": days_until(commit, self.daily(group, first, last, contract.method))
            if has_trend and commit is not None
            else None,
            **terms,
        }

    def bill(self, group: str, first: date, last: date, contract: Contract) -> Row | None:
        """Return a period's bill under a contract, with the figures by every method in `all`."""
        members = self.members(group)
        billed = with_a_day(members, first, last)
        if not billed:
            return None
        period = days_between(first, last)
        of_all = figures(members, first, last)
        inside = [(app.ordinal >= first.toordinal()) & (app.ordinal <= last.toordinal()) for app in billed]
        points = [int(each.sum()) for each in inside]
        statuses = [
            "running" if self.today(app.app_id) <= last else status(app, of_app, period)
            for app, of_app in zip(billed, points, strict=True)
        ]
        kbps, commit = of_all[contract.method], contract.commit_kbps
        billed_kbps = kbps if commit is None or kbps is None else max(kbps, commit)
        is_over = kbps is not None and commit is not None
        return {
            "all": of_all,
            "status": next(
                name for name in ("running", "incomplete", "part of the month", "final") if name in statuses
            ),
            "billable_kbps": kbps,
            "overage_kbps": max(Decimal(0), kbps - commit) if is_over else None,
            "billed_kbps": billed_kbps,
            "amount": amount(billed_kbps, contract.priced_tiers),
            "app_points": sum(points),
            "expected_app_points": 288 * sum(day in app.days for app in billed for day in period),
        }

    def daily(self, group: str, first: date, last: date, method: str) -> list[tuple[int, Decimal]]:
        """Return the daily values of a method, as day number and kbps."""
        members = self.members(group)
        kbps = np.array([app.kbps for app in members])
        day_of = np.min([app.ordinal for app in members], axis=0)
        sums = np.nansum(kbps, axis=0)
        values = []
        for day in days_between(first, min(last, self.first_open_day(group) - timedelta(days=1))):
            points = sorted(sums[day_of == day.toordinal()].tolist(), reverse=True)
            rank = {"p95_kbps": len(points) // 20, "mean_daily_p95_kbps": len(points) // 20}.get(method, 0)
            rank = 4 if method == "top_five_mean_kbps" else rank
            kbps_of_day = rounded(points[rank]) if rank < len(points) else None
            if kbps_of_day is not None:
                values.append(((day - first).days, kbps_of_day))
        return values

    def close(self, group: str, month: date, run_id: str, invoice: Decimal | None, *, force: bool) -> str:
        """Close a bill as a run would, and return the outcome."""
        closings = self.closings.setdefault((group, month), [])
        if closings and not force:
            if invoice in (None, closings[-1]["invoice_kbps"]):
                return "unchanged"
            closings.append({**closings[-1], "run_id": run_id, "invoice_kbps": invoice})
            return "closed"
        statement = self.statement(group, month)
        if statement is None:
            return "without_data"
        if not statement["is_final"] and not force:
            return "refused"
        if invoice is None and closings:
            invoice = closings[-1]["invoice_kbps"]
        terms = self.contracts[group]
        closings.append(
            {
                **{
                    name: value
                    for name, value in statement.items()
                    if name not in ("is_final", "projected_kbps", "projected_amount", "days_until_commit")
                },
                "terms": terms,
                "closed_at": self.now,
                "closed_by": "analyst",
                "run_id": run_id,
                "invoice_kbps": invoice,
            }
        )
        return "closed"

    def closed(self, group: str, month: date) -> Row | None:
        """Return a closed bill beside today's figures."""
        closings = self.closings.get((group, month), [])
        if not closings:
            return None
        row = dict(closings[-1])
        current = self.bill(group, row["period_start"], row["period_end"], row.pop("terms")) or {}
        return {
            **row,
            "closings": len(closings),
            "invoice_difference_kbps": _difference(row["invoice_kbps"], row["billable_kbps"]),
            "current_status": current.get("status"),
            "current_billable_kbps": current.get("billable_kbps"),
            "current_amount": current.get("amount"),
            "current_app_points": current.get("app_points"),
            "restated_difference_kbps": _difference(current.get("billable_kbps"), row["billable_kbps"]),
            "restated_difference_amount": _difference(current.get("amount"), row["amount"]),
        }

    def restate(self, app_id: str, day: date, kbps: Sequence[float | None]) -> None:
        """Replace the points of a day. A day with points is expected, even after the app's removal."""
        app = self.apps[app_id] = replace(self.apps[app_id], days=self.apps[app_id].days | {day})
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.zones[app_id]))
        at = int((midnight - ORIGIN) / timedelta(minutes=5))
        points = np.array(kbps, dtype=float)
        app.kbps[at : at + 288] = points
        app.ordinal[at : at + 288] = np.where(np.isnan(points), NO_POINT, day.toordinal())

    def move(self, app_id: str, group: str) -> None:
        """Move an app to another billing group."""
        self.apps[app_id] = replace(self.apps[app_id], group=group)

    def remove(self, app_id: str, day: date) -> None:
        """Stop expecting an app's days from a day onwards. Days with points remain expected."""
        app = self.apps[app_id]
        with_points = {date.fromordinal(number) for number in np.unique(app.ordinal) if number != NO_POINT}
        days = frozenset(each for each in app.days if each < day or each in with_points)
        self.apps[app_id] = replace(app, days=days)


def _difference(now: Decimal | None, then: Decimal | None) -> Decimal | None:
    return None if now is None or then is None else now - then
