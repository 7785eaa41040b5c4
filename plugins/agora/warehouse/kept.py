"""Whether an upgrade kept what was there: ledger, points, answers and the bills of finished months."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from math import isclose
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from agora.warehouse.release import SQL

# A sum of hashes does not depend on the order of rows, and no array has to become text for it.
# Until revision 0007, `lost` was stored, entries were made without a request, and App IDs that differ in case
# only were several apps. The queries read those facts as that revision stores them.
APP_DAYS = """
with twin as (
    select app.app_key, lower(app.app_id) as app_id
    from core.app as app
    where exists (
        select from core.app as other
        where lower(other.app_id) = lower(app.app_id) and other.app_key <> app.app_key
    )
)
select
    kept.state,
    count(*) as app_days,
    sum(app_day.points) as points,
    sum(hash_record_extended(
        row(lower(app.app_id), app_day.usage_date, app_day.starts_at, app_day.points, app_day.kbps), 0
    )) as digest
from core.app_day as app_day
inner join core.app as app on app_day.app_key = app.app_key
cross join lateral (
    select case
        when app_day.state <> 'lost' then app_day.state
        when app_day.http_status between 200 and 299 then 'rejected'
        else 'failed'
    end as state
) as kept
where
    (app_day.attempts > 0 or app_day.kbps is not null)
    -- Of several spellings, the day with the most points counts; of days alike, that of the oldest app.
    and not exists (
        select from twin as own
        inner join twin as other on own.app_id = other.app_id and own.app_key <> other.app_key
        inner join core.app_day as better on other.app_key = better.app_key
        where
            own.app_key = app_day.app_key
            and better.usage_date = app_day.usage_date
            and (better.attempts > 0 or better.kbps is not null)
            and (-better.points, better.app_key) < (-app_day.points, app_day.app_key)
    )
group by kept.state
order by kept.state
"""
ANSWERS = """
select
    count(*) as answers,
    sum(hash_record_extended(
        row(
            lower(answer.app_id), answer.usage_date, answer.fetched_at, answer.http_status, answer.body_sha256
        ),
        0
    )) as digest
from raw.bandwidth_response as answer
"""
TWINS = "select lower(app_id) from core.app group by lower(app_id) having count(*) > 1"
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
        assertions: Whether each assertion of `sql/checks` holds, of those that this schema can be asked for.
        twins: App IDs, in lower case, of which several spellings are apps of their own.
    """

    app_days: dict[str, Row]
    answers: Row
    bills: dict[str, dict[tuple[Any, ...], Row]]
    assertions: dict[str, bool]
    twins: frozenset[str]

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
            view: {tuple(row[name] for name in key): row for row in _bills(connection, view)}
            for view, key in KEYS.items()
            # Tables may be there without views.
            if connection.execute(text(f"select to_regclass('{view}')")).scalar_one()
        },
        _assertions(connection, is_ours=is_ours),
        frozenset(connection.execute(text(TWINS)).scalars()),
    )


def differences(before: Contents, after: Contents, changed: Collection[str] = ()) -> list[str]:
    """Return what differs, and which assertions no longer hold.

    Args:
        before: What the warehouse held.
        after: What it holds.
        changed: Figures of bills that are meant to differ. Bills without points are left out with them.
    """
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
            for difference in _other_bills(
                _compared(before.bills[view], before.twins, changed),
                _compared(after.bills[view], before.twins, changed),
                changed,
            )
        ),
        *(
            f"{name} is not true"
            for name, is_true in sorted(after.assertions.items())
            if not is_true and before.assertions.get(name)
        ),
    ]


def _bills(connection: Connection, view: str) -> Iterator[Row]:
    for row in connection.execute(text(BILLS.format(view=view))).mappings():
        yield {**row, "app_id": row["app_id"].lower()} if "app_id" in row else dict(row)


def _assertions(connection: Connection, *, is_ours: bool) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for path in sorted((SQL / "checks").glob("*.sql")):
        try:
            with connection.begin_nested():
                found |= connection.exec_driver_sql(path.read_text("utf-8")).mappings().one()
        except DBAPIError:
            if is_ours:
                raise
    return found


def _compared(
    bills: dict[tuple[Any, ...], Row], twins: frozenset[str], changed: Collection[str]
) -> dict[tuple[Any, ...], Row]:
    # The total counted the points of several spellings of one app several times.
    return {
        key: bill
        for key, bill in bills.items()
        if not (twins and (len(key) == 1 or key[0] in twins)) and (bill["points"] > 0 or not changed)
    }


def _other_bills(
    before: dict[tuple[Any, ...], Row], after: dict[tuple[Any, ...], Row], changed: Collection[str]
) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        bill = f"the bill of {' in '.join(map(str, key))}"
        was, now = before.get(key), after.get(key)
        if was is None or now is None:
            yield f"{bill} is {'no more there' if now is None else 'new'}"
            continue
        # A figure more is no other bill.
        for name in was:
            if name not in changed and (name not in now or not _same(was[name], now[name])):
                yield f"{bill}: {name} was {was[name]}, is {now.get(name)}"


def _same(was: Any, now: Any) -> bool:
    # Added up in another order, the last digits of a sum may be others.
    if isinstance(was, float) and isinstance(now, float):
        return isclose(was, now, rel_tol=1e-9)
    return bool(was == now)
