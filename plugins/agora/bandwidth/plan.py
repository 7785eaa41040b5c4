"""Which app-days to ask for: the wanted ones that are missing, as far as the vendor still shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import Connection, Engine

from agora.bandwidth.raw import raw_answer
from agora.bandwidth.shared_pace import shared_client
from agora.bandwidth.window import agreed_edge, certain_since, expected_oldest_day
from agora.errors import (
    CredentialsRefused,
    DayNotOver,
    DayRefused,
    RateLimited,
    SettingsError,
    VendorError,
    VendorUnavailable,
)
from agora.settings import AppSettings, DashboardSettings
from agora.vendor.answer import Answer
from agora.vendor.dashboard import DashboardClient
from agora.warehouse import apps, lost, raw_answers, settled, wanted, window_edge
from agora.warehouse.wanted import ToAsk, WantedAppDay
from agora.warehouse.window_edge import WindowEdge

COLLECTING_SECONDS = 18 * 3600  # of the twenty hours after which a run is ended
APPS_TO_PROBE = 20  # of either kind; an account that refuses everything is not asked for ever


@dataclass(frozen=True, slots=True)
class Days:
    """Days asked for by name, instead of whatever is missing.

    Attributes:
        from_date: First usage date.
        to_date: Last usage date, included.
        app_ids: Only these apps; empty for all.
        reload: Ask for complete days again.
    """

    from_date: date
    to_date: date
    app_ids: Sequence[str] = ()
    reload: bool = False


@dataclass(slots=True)
class Plan:
    """What to do about one account.

    Attributes:
        conn_id: The account.
        app_days: What to ask for, soonest to expire first; after that, what is asked once more. No more than
            the account's rate lets one run ask for.
        left: How many app-days that leaves for another run.
        lost: App-days that the vendor no longer shows, for which there are no points.
        refusal: Why those cannot be had, in a sentence; empty where there are none.
        unusable: Why the account cannot be worked with (a 401, a wrong setting); then nothing else was asked.
    """

    conn_id: str
    app_days: list[WantedAppDay] = field(default_factory=list)
    left: int = 0
    lost: list[WantedAppDay] = field(default_factory=list)
    refusal: str = ""
    unusable: str = ""


async def plan(
    account: DashboardSettings,
    configured: Sequence[AppSettings],
    engine: Engine,
    now: datetime,
    days: Days | None = None,
    *,
    configured_elsewhere: Sequence[str] = (),
) -> Plan:
    """Find what is missing of one account, and what of it can still be had.

    Asks the vendor one to a handful of questions: so a wrong certificate shows once, before the work is
    dealt out, and the window's edge is learned once, instead of app by app.

    Args:
        account: The vendor account.
        configured: The apps configured for it.
        engine: To the warehouse, as the loader.
        now: The current time, with time zone.
        days: Only these days; by default everything wanted.
        configured_elsewhere: App IDs configured for other accounts.
    """
    today = account.today(now)
    with engine.begin() as connection:
        apps.sync(
            connection,
            account,
            configured,
            oldest_day=expected_oldest_day(account.window, today),
            today=today,
            configured_elsewhere=configured_elsewhere,
        )
        lost.mark_unknown(connection, account.conn_id)
        missing, again = _to_ask_for(connection, account, configured, today, days)
    result = Plan(account.conn_id, missing.app_days, missing.left + again.left)
    if missing.app_days or again.app_days:
        async with shared_client(account, engine) as client:
            try:
                if not missing.app_days:
                    # A day not settled yet: of one that is, any answer counts as having asked once more.
                    await _probe(client, engine, again.app_days[0].app_id, today - timedelta(days=1))
                else:
                    app_ids = [app.app_id for app in configured]
                    newest_refused = await _inside_the_window(result, app_ids, client, engine, today)
                    if newest_refused and missing.left:
                        # Where days outside took the places of days inside, those are to be had now.
                        with engine.begin() as connection:
                            missing, again = _to_ask_for(
                                connection, account, configured, today, days, after=newest_refused
                            )
                        result.app_days, result.left = missing.app_days, missing.left + again.left
                result.app_days += again.app_days
            except CredentialsRefused as error:
                result.app_days = []
                result.unusable = str(error)
    return result


def _to_ask_for(
    connection: Connection,
    account: DashboardSettings,
    configured: Sequence[AppSettings],
    today: date,
    days: Days | None,
    *,
    after: date = date.min,
) -> tuple[ToAsk, ToAsk]:
    """Return what is missing, and what is complete but asked once more now that it has settled.

    Of both together no more than the account's rate lets one run ask for, and only of days after `after`.
    """
    most = max(1, int(COLLECTING_SECONDS * account.requests_per_second))
    app_ids = [app.app_id for app in configured]
    if days is not None:
        named = wanted.of_days(
            connection,
            account.conn_id,
            app_ids=[app_id for app_id in app_ids if not days.app_ids or app_id in days.app_ids],
            from_date=max(days.from_date, after + timedelta(days=1)),
            to_date=min(days.to_date, today - timedelta(days=1)),
            reload=days.reload,
            most=most,
        )
        return named, ToAsk([], 0)
    missing = wanted.missing(
        connection,
        account.conn_id,
        # An app that was removed is not wanted any longer, but its days until then are.
        [*app_ids, *apps.removed(connection, account.conn_id)],
        after=after,
        most=most,
    )
    again = settled.asked_once_more(
        connection,
        account.conn_id,
        app_ids=app_ids,
        since=certain_since(account.window, today),
        settle_days=account.settle_days,
        most=most - len(missing.app_days),
    )
    return missing, again


def require_days(days: Days, configured: Sequence[AppSettings], yesterday: date) -> None:
    """Refuse days asked for by name that make no sense.

    Raises:
        DayNotOver: The first day is not over.
        SettingsError: Saying which parameter to change.
    """
    if days.from_date > days.to_date:
        raise SettingsError(f"from_date {days.from_date} is after to_date {days.to_date}: swap the two.")
    if days.from_date > yesterday:
        raise DayNotOver(
            f"from_date {days.from_date} is not over yet: the newest day to ask for is {yesterday}."
        )
    unknown = sorted(set(days.app_ids) - {app.app_id for app in configured})
    if unknown:
        raise SettingsError(f"app_ids names {', '.join(unknown)}: add it to the variable agora_apps first.")


async def _inside_the_window(
    result: Plan, app_ids: Sequence[str], client: DashboardClient, engine: Engine, today: date
) -> date | None:
    """Take out of the plan what the vendor no longer shows, and enter it as lost.

    Returns:
        The newest day of what was taken out; None where nothing was.
    """
    certain = certain_since(client.settings.window, today)
    if result.app_days[0].usage_date >= certain:
        await _probe(client, engine, result.app_days[0].app_id, result.app_days[0].usage_date)
        return None
    with engine.begin() as connection:
        window_edge.wait_for_turn(connection, result.conn_id)
        edge = window_edge.read(connection, result.conn_id, today)
        if edge is None:
            # First those concerned, then those known to be answered: ten misspelt App IDs tell nothing.
            concerned = list(dict.fromkeys(day.app_id for day in result.app_days))[:APPS_TO_PROBE]
            answered = wanted.latest_first(connection, app_ids)[:APPS_TO_PROBE]
            probed = list(dict.fromkeys([*concerned, *answered]))
            edge = await _learned(probed, result.app_days[0].usage_date, client, engine, today)
            if edge is not None:
                window_edge.remember(connection, result.conn_id, edge)
    if edge is None:
        return None
    outside = [day for day in result.app_days if day.usage_date <= edge.newest_refused]
    result.app_days = [day for day in result.app_days if day.usage_date > edge.newest_refused]
    result.lost = [day for day in outside if day.state not in ("collected", "partial")]
    if outside:
        result.refusal = (
            f"outside the vendor's window: on {edge.learned_on} it served {edge.oldest_served}, and said to"
            f" {edge.newest_refused} (HTTP 400): {edge.refusal}"
        )
    with engine.begin() as connection:
        lost.mark(connection, [day[:2] for day in result.lost], result.refusal, http_status=400)
    return edge.newest_refused if outside else None


class _NotNow(Exception):
    """The vendor is in no state to be asked about its window; others wait for their turn to ask."""


async def _learned(
    app_ids: Sequence[str], oldest: date, client: DashboardClient, engine: Engine, today: date
) -> WindowEdge | None:
    """Learn where the window ends, as far as days from `oldest` on are concerned."""
    window = client.settings.window
    refusals: dict[date, str] = {}

    async def probe(app_id: str, usage_date: date) -> bool | None:
        error = await _probe(client, engine, app_id, usage_date)
        if isinstance(error, VendorUnavailable | RateLimited):
            raise _NotNow
        if isinstance(error, DayRefused):
            refusals[usage_date] = error.answer.said() if error.answer else ""
            return False
        return True if error is None else None

    try:
        edge = await agreed_edge(
            [partial(probe, app_id) for app_id in app_ids],
            expected=expected_oldest_day(window, today),
            oldest=oldest,
            certain=certain_since(window, today),
        )
    except _NotNow:
        return None
    if edge is None or edge.newest_refused is None:
        return None
    return WindowEdge(today, edge.oldest_served, edge.newest_refused, refusals[edge.newest_refused])


async def _probe(
    client: DashboardClient, engine: Engine, app_id: str, usage_date: date
) -> VendorError | None:
    """Ask once and keep the answer raw; the day is asked for again if it is wanted.

    Raises:
        CredentialsRefused: 401.
    """
    answer: Answer | None = None
    error: VendorError | None = None
    try:
        answer = await client.bandwidth(app_id, usage_date, retry=False)
    except VendorError as refused:
        answer, error = refused.answer, refused
    if answer is not None:
        with engine.begin() as connection:
            raw_answers.keep(connection, [raw_answer(app_id, usage_date, answer)])
    if isinstance(error, CredentialsRefused):
        raise error
    return error
