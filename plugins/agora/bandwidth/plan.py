"""Plan which app-days to request: those that are expected, incomplete and possibly still available."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from agora.bandwidth.window import edge_end, oldest_day, oldest_requested
from agora.date_checks import require_order, require_plausible_date
from agora.domain import AppDay
from agora.errors import SelectionInvalid
from agora.settings.connections import DashboardSettings
from agora.warehouse import planning_queries

COLLECTING_SECONDS = 18 * 3600  # a run is stopped after twenty hours


@dataclass(frozen=True, slots=True)
class Days:
    """Days chosen by the user, as opposed to all missing days.

    Attributes:
        from_date: First usage date. None: the oldest day in the vendor window.
        to_date: Last usage date, inclusive. None: yesterday.
        app_ids: Chosen apps. Empty: all apps.
        reload: Whether complete days are requested again.
    """

    from_date: date | None = None
    to_date: date | None = None
    app_ids: Sequence[str] = ()
    reload: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """App-days to request for one account.

    Attributes:
        conn_id: Connection of the account.
        app_days: Pairs of App ID and usage date, soonest to expire first, followed by re-checks. Limited to
            the number of requests that the account's rate limit allows in one run.
        rechecks: Number of complete app-days that are requested again because they have settled.
        left: Number of app-days that do not fit into this run.
        unusable: Reason why the account cannot be used. If set, there are no app-days.
        unusable_by: Class name of the error behind `unusable`.
    """

    conn_id: str
    app_days: Sequence[AppDay] = ()
    rechecks: int = 0
    left: int = 0
    unusable: str = ""
    unusable_by: str = ""


def plan(
    connection: Connection,
    account: DashboardSettings,
    app_ids: Sequence[str],
    today: date,
    days: Days | None = None,
) -> Plan:
    """Return the app-days to request next, soonest to expire first.

    Args:
        connection: Connection to the warehouse, in which the account and its apps are already stored.
        account: The vendor account.
        app_ids: Configured apps of the account.
        today: Current date in the account's time zone, according to the warehouse's clock.
        days: Chosen days. Default: all missing days.
    """
    most = max(1, int(COLLECTING_SECONDS * account.requests_per_second))
    if days is not None:
        named = planning_queries.named(
            connection,
            account.conn_id,
            app_ids=[app_id for app_id in app_ids if not days.app_ids or app_id in days.app_ids],
            from_date=days.from_date or oldest_day(account.window, today),
            to_date=min(days.to_date or today, today - timedelta(days=1)),
            reload=days.reload,
            most=most,
        )
        return Plan(account.conn_id, named.app_days, left=named.left)
    missing = planning_queries.missing(
        connection, account.conn_id, oldest=oldest_requested(account.window, today), most=most
    )
    rechecks = planning_queries.rechecks(
        connection,
        account.conn_id,
        oldest=edge_end(account.window, today),
        newest=today - timedelta(days=account.settle_days + 1),
        settle_days=account.settle_days,
        most=most - len(missing.app_days) if account.settle_days else 0,
    )
    return Plan(
        account.conn_id,
        [*missing.app_days, *rechecks.app_days],
        rechecks=len(rechecks.app_days),
        left=missing.left + (rechecks.left if account.settle_days else 0),
    )


def require_days(days: Days, oldest: date, yesterday: date) -> None:
    """Raise an error if the chosen days cannot be requested.

    Args:
        days: The chosen days.
        oldest: The oldest day in the vendor window of any account, which is used if `from_date` is empty.
        yesterday: The latest finished usage date across all accounts.

    Raises:
        SelectionInvalid: A date is invalid. The message names the parameter.
    """
    require_order(days.from_date or oldest, days.to_date)
    today = yesterday + timedelta(days=1)
    for name, value, newest in (("from_date", days.from_date, yesterday), ("to_date", days.to_date, today)):
        if value:
            require_plausible_date(name, value, today)
            if value > newest:
                raise SelectionInvalid(
                    f"{name} {value} is not over yet. The newest available day is {yesterday}."
                )
