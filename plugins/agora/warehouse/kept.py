"""Whether an upgrade kept what was there: ledger, points, answers and the bills of finished months."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from agora.warehouse.release import SQL

# A sum of hashes does not depend on the order of rows, and no array has to become text for it.
APP_DAYS = """
select
    app_day.state,
    count(*) as app_days,
    sum(app_day.points) as points,
    sum(hash_record_extended(
        row(app_day.app_key, app_day.usage_date, app_day.starts_at, app_day.points, app_day.kbps), 0
    )) as digest
from core.app_day as app_day
group by app_day.state
order by app_day.state
"""
ANSWERS = """
select
    count(*) as answers,
    sum(hash_record_extended(
        row(answer.app_id, answer.usage_date, answer.fetched_at, answer.http_status, answer.body_sha256), 0
    )) as digest
from raw.bandwidth_response as answer
"""
# Those of a month under way depend on the clock.
BILLS = "select * from {view} where month < date_trunc('month', now() at time zone 'UTC')"
KEYS = {"mart.billing_monthly": ("app_id", "month"), "mart.billing_monthly_total": ("month",)}

Row = dict[str, Any]


@dataclass(frozen=True)
class Contents:
    """What a warehouse holds at one moment of a transaction.

    Attributes:
        app_days: Of each state: how many, their points, and a digest of both.
        answers: How many, and a digest of all but their bodies.
        bills: Of each view that there is: the bills of finished months, by their keys.
        untrue: Assertions of `sql/checks` that do not hold.
    """

    app_days: dict[str, Row]
    answers: Row
    bills: dict[str, dict[tuple[Any, ...], Row]]
    untrue: frozenset[str]

    def __str__(self) -> str:
        """Say how much there is."""
        rows = self.app_days.values()
        states = ", ".join(f"{row['app_days']:,} {row['state']}" for row in rows)
        return (
            f"{sum(row['app_days'] for row in rows):,} app-days ({states or 'none'}),"
            f" {sum(row['points'] for row in rows):,} points, {self.answers['answers']:,} answers,"
            f" {sum(map(len, self.bills.values())):,} bills of finished months"
        )


def contents(connection: Connection, *, is_ours: bool) -> Contents:
    """Look at everything.

    Args:
        connection: To the warehouse as its owner, with nobody else at work.
        is_ours: The schema is this release's, so that every check can run; on another's, some may not.
    """
    return Contents(
        {row["state"]: dict(row) for row in connection.execute(text(APP_DAYS)).mappings()},
        dict(connection.execute(text(ANSWERS)).mappings().one()),
        {
            view: {tuple(row[name] for name in key): dict(row) for row in _bills(connection, view)}
            for view, key in KEYS.items()
            # Tables may be there without views.
            if connection.execute(text(f"select to_regclass('{view}')")).scalar_one()
        },
        frozenset(_untrue(connection, is_ours=is_ours)),
    )


def differences(before: Contents, after: Contents) -> list[str]:
    """Say what is not what it was, and which assertions hold no more."""
    states = sorted(before.app_days.keys() | after.app_days.keys())
    counted = [
        (f"app-days {state}", before.app_days.get(state), after.app_days.get(state)) for state in states
    ]
    return [
        *(
            f"{what} were {was}, are {now}"
            for what, was, now in (*counted, ("answers", before.answers, after.answers))
            if was != now
        ),
        *(
            difference
            for view in KEYS
            if view in before.bills and view in after.bills
            for difference in _other_bills(before.bills[view], after.bills[view])
        ),
        *(f"{name} is not true" for name in sorted(after.untrue - before.untrue)),
    ]


def _bills(connection: Connection, view: str) -> Iterator[Any]:
    yield from connection.execute(text(BILLS.format(view=view))).mappings()


def _untrue(connection: Connection, *, is_ours: bool) -> Iterator[str]:
    for path in sorted((SQL / "checks").glob("*.sql")):
        try:
            with connection.begin_nested():
                row = connection.exec_driver_sql(path.read_text("utf-8")).mappings().one()
        except DBAPIError:
            if is_ours:
                raise
            continue
        yield from (name for name, is_true in row.items() if not is_true)


def _other_bills(before: dict[tuple[Any, ...], Row], after: dict[tuple[Any, ...], Row]) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        bill = f"the bill of {' in '.join(map(str, key))}"
        was, now = before.get(key), after.get(key)
        if was is None or now is None:
            yield f"{bill} is {'no more there' if now is None else 'new'}"
            continue
        # A figure more is no other bill.
        for name in was:
            if name not in now or not _same(was[name], now[name]):
                yield f"{bill}: {name} was {was[name]}, is {now.get(name)}"


def _same(was: Any, now: Any) -> bool:
    # Added up in another order, the last digits of a sum may be others.
    if isinstance(was, float) and isinstance(now, float):
        return isclose(was, now, rel_tol=1e-9)
    return bool(was == now)
