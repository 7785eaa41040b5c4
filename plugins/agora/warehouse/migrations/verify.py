"""Verifies that an upgrade loses no app-days, points, responses or bills of finished months."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import isclose
from operator import eq
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from agora.errors import WarehouseError
from agora.warehouse.migrations.schema_version import SQL

BILLING_VIEWS = ("mart.billing_monthly", "mart.billing_monthly_total")
# Bills of the current month depend on the clock.
BILLS = "select * from {view} where month < date_trunc('month', now() at time zone 'UTC')"
# Before revision 0007, different spellings of an App ID were different apps, so the total counted their
# points more than once.
BILLS_TO_BE_MERGED = """
select unnest(array[lower(app_id), 'all apps']) from core.app group by lower(app_id) having count(*) > 1
"""

# Releases before 1.1.0 have no closings.
CLOSINGS = """
select
    'closings' as label,
    count(*) as entries,
    sum(hash_record_extended(
        row(
            closing.billing_group, closing.month, closing.closed_at, closing.status, closing.billable_kbps,
            closing.amount, closing.invoice_kbps
        ),
        0
    )) as digest
from core.closed_bill as closing
"""

Row = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """The contents of the warehouse at one moment of a transaction.

    Attributes:
        facts: Count and digest of the app-days in each state, the responses and the closings, by label.
        bills: Bills of finished months, by label.
        checks: Whether each assertion in `sql/checks` holds. Assertions that the schema does not support are
            left out.
    """

    facts: dict[str, Row]
    bills: dict[str, Row]
    checks: dict[str, bool]

    def __str__(self) -> str:
        """Return the counts."""
        counts = {label: row["entries"] for label, row in self.facts.items()}
        counts["bills of finished months"] = len(self.bills)
        return ", ".join(f"{label}: {count:,}" for label, count in counts.items())


def snapshot(connection: Connection) -> Snapshot:
    """Return a snapshot of the warehouse. Lock every table before you call this function."""
    queries = [(SQL / "migrations" / "stored_facts.sql").read_text("utf-8")]
    if connection.execute(text("select to_regclass('core.closed_bill')")).scalar() is not None:
        queries.append(CLOSINGS)
    facts = {
        row["label"]: dict(row) for query in queries for row in connection.exec_driver_sql(query).mappings()
    }
    return Snapshot(facts, dict(_bills(connection)), _checks(connection))


def require_nothing_lost(before: Snapshot, after: Snapshot, changed_figures: set[str]) -> None:
    """Compare the snapshots before and after an upgrade, and fail if data was lost.

    Args:
        before: Snapshot before the upgrade.
        after: Snapshot after the upgrade.
        changed_figures: Bill columns that may change. If there are any, bills without points may disappear.

    Raises:
        WarehouseError: A fact or a bill changed, or a check that held no longer holds.
    """
    bills = {label: bill for label, bill in before.bills.items() if bill["points"] or not changed_figures}
    held, hold = ({name for name, holds in at.checks.items() if holds} for at in (before, after))
    differences = [
        *_differences(before.facts, after.facts, set(), eq),
        *_differences(bills, after.bills, changed_figures, _is_same_figure),
        *(f"{name} no longer holds" for name in sorted(held - hold)),
    ]
    if differences:
        raise WarehouseError(f"The upgrade would change stored data: {'; '.join(differences[:10])}.")
    for name in sorted(after.checks.keys() - before.checks.keys() - hold):
        log.warning("%s does not hold for the stored data. For a remedy, see sql/checks.", name)


def _bills(connection: Connection) -> Iterator[tuple[str, Row]]:
    to_be_merged = set(connection.execute(text(BILLS_TO_BE_MERGED)).scalars())
    for view in BILLING_VIEWS:
        if connection.execute(text(f"select to_regclass('{view}')")).scalar() is None:
            continue
        for row in connection.execute(text(BILLS.format(view=view))).mappings():
            app_id = row.get("app_id", "all apps").lower()
            if app_id not in to_be_merged:
                yield f"bill of {app_id} for {row['month']:%Y-%m}", {**row, "app_id": app_id}


def _checks(connection: Connection) -> dict[str, bool]:
    checks: dict[str, bool] = {}
    for path in sorted((SQL / "checks").glob("*.sql")):
        try:
            with connection.begin_nested():
                checks |= connection.exec_driver_sql(path.read_text("utf-8")).mappings().one()
        except DBAPIError:
            log.debug("The schema does not support %s.", path.name)
    return checks


def _differences(
    before: dict[str, Row],
    after: dict[str, Row],
    ignored: set[str],
    is_same: Callable[[Any, Any], bool],
) -> Iterator[str]:
    for label, was in before.items():
        now = after.get(label, {})
        for name in sorted(was.keys() - ignored):
            if not is_same(was[name], now.get(name)):
                yield f"{label}: {name} was {was[name]}, is {now.get(name)}"


def _is_same_figure(was: Any, now: Any) -> bool:
    # Revision 0010 rounds figures. The last digits of a sum depend on the order of its terms.
    if isinstance(was, float | Decimal) and isinstance(now, float | Decimal):
        return isclose(was, now, rel_tol=1e-9, abs_tol=0.001)
    return bool(was == now)
