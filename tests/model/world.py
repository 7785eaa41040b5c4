"""A simulated installation: the real product on a real warehouse, night after night."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from agora.bandwidth import fetch
from agora.bandwidth.collect import check_access, collect
from agora.bandwidth.plan import Days, Plan, plan, require_days
from agora.bandwidth.replay import replay
from agora.client.dashboard import CONFIRMING_APPS
from agora.errors import ClockDiffers
from agora.settings.apps import AppSettings
from agora.settings.connections import DashboardSettings, parse_dashboard
from agora.warehouse import apps, merge_app_days, planning_queries, raw_responses, suspicious_responses
from agora.warehouse.clock import clock_difference
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.stored_aggregates import refresh
from tests.model.check import Stored, Violation, compare
from tests.model.requests import Requested, check_requests
from tests.model.rules import (
    DAY,
    REFUSED_APPS,
    Day,
    Expectation,
    Response,
    Restatement,
    counted,
    is_over,
    midnight,
    oldest_shown,
)
from tests.model.vendor import Call, Run, Scenario, Vendor, client_of
from tests.warehouse.database import Warehouse

AppDay = tuple[str, date]

ACCOUNTS = ("first", "second")
ZONES = ("UTC", "Asia/Shanghai", "Etc/GMT+7", "Asia/Kolkata")
SETTLE_DAYS = 2
EDGE_DAYS = 3
CLOCK = """
create or replace function mart.clock() returns timestamptz language sql stable parallel safe
begin atomic select timestamptz '{at}'; end
"""
BEHAVIOURS = (
    *("windows", "late data", "statuses", "storms", "throttling", "foreign", "unknown", "credentials"),
    *("zeros", "partial", "lacking", "restatements", "outages", "identical", "malformed", "units", "clocks"),
    *(
        "membership",
        "moves",
        "collect dates",
        "missed nights",
        "zones",
        "by name",
        "replays",
        "kills",
        "late loads",
    ),
)


class ImmediateExecutor(ThreadPoolExecutor):
    """Does its work before `submit` returns, because threads would only slow the nights down."""

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        """Return a future that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments, **named))
        except BaseException as error:
            future.set_exception(error)
        return future


class Killed(Exception):
    """A worker was killed."""


@lru_cache
def account_of(conn_id: str, zone: str, window: str, concurrency: int) -> DashboardSettings:
    """Return an account's settings."""
    return parse_dashboard(
        conn_id,
        {
            "base_url": "http://127.0.0.1:9",
            "customer_id": "customer",
            "customer_certificate": "certificate",
            "timezone": zone,
            "window": window,
            "settle_days": SETTLE_DAYS,
            "max_concurrency": concurrency,
        },
    )


@dataclass
class Configured:
    """One element of the variable agora_apps."""

    conn_id: str
    collect_from: date | None = None
    collect_until: date | None = None


@dataclass(eq=False)
class Late:
    """A batch whose load is delayed until another run has ended."""

    batch: Any
    conn_id: str
    responses: list[Response]
    load_after: int


@dataclass
class Recording:
    """The data that reached the warehouse during one call of `collect`."""

    kill_at: tuple[str, int] | None
    is_late: bool
    stored: set[AppDay] = field(default_factory=set)
    loaded: set[AppDay] = field(default_factory=set)
    late: list[Any] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)

    def step(self, name: str) -> None:
        """Kill the worker if this is the chosen step."""
        self.steps[name] += 1
        if self.kill_at == (name, self.steps[name]):
            raise Killed


class World:
    """One scenario from its first night to its last.

    Args:
        scenario: The scenario.
        warehouse: A migrated, empty warehouse.
        runner: Runner of the event loop.
    """

    def __init__(self, scenario: Scenario, warehouse: Warehouse, runner: asyncio.Runner) -> None:
        self.scenario = scenario
        self._warehouse = warehouse
        self._runner = runner
        runner.get_loop().set_default_executor(ImmediateExecutor(1))
        self.app_ids = [f"{number:x}{'a' * 5}" for number in range(scenario.apps)]
        self.vendor = Vendor(scenario, self.app_ids, {})
        self.luck = self.vendor.luck
        self.first_date = date(2026, 1, 1) + self.luck.below(365, "first date") * DAY
        horizon = self.first_date + (scenario.nights + 60) * DAY
        self.now = datetime.combine(self.first_date, time(1), UTC)
        self.concurrency = (2, 4, 16)[self.luck.below(3, "concurrency")]
        self.expectations = {app_id: Expectation(horizon) for app_id in self.app_ids}
        self.days: defaultdict[AppDay, Day] = defaultdict(Day)
        self.raw: defaultdict[AppDay, list[Response]] = defaultdict(list)
        self.restated: list[Restatement] = []
        self.known: dict[str, Configured] = {}  # as found by the last run
        self.synced: dict[str, str] = {}  # the accounts' zones in the warehouse
        self.skipped: Counter[AppDay] = Counter()
        self.late: list[Late] = []
        self.history: list[str] = []
        self.sent: defaultdict[AppDay, list[str]] = defaultdict(list)
        self.touched: set[AppDay] = set()
        self.run = Run(0, 0, self.now)
        self._recording: Recording | None = None
        self._configure_first()

    def _configure_first(self) -> None:
        luck = self.luck
        zones = [ZONES[luck.below(len(ZONES), "zone", conn_id)] for conn_id in ACCOUNTS]
        self.vendor.zones = dict(zip(ACCOUNTS, zones, strict=True))
        for conn_id in ACCOUNTS:
            wrong = self.vendor.does("zones", 0.5, conn_id)
            configured = "UTC" if wrong else self.vendor.zones[conn_id]
            self.vendor.settings[conn_id] = self._account(conn_id, configured)
        two = luck.number("accounts") < 0.35
        self.configured = {}
        foreign = luck.below(4, "foreign apps") if "foreign" in self.scenario.behaviours else 0
        for number, app_id in enumerate(self.app_ids):
            conn_id = ACCOUNTS[luck.below(2, "account", app_id)] if two else ACCOUNTS[0]
            self.configured[app_id] = Configured(conn_id)
            # At most one in three belongs to another customer.
            if not (number % 3 == 1 and number // 3 < foreign):
                self.vendor.homes[app_id] = conn_id
        for app_id in self.app_ids[1:]:
            if self.vendor.does("membership", 0.3, "later", app_id):
                del self.configured[app_id]

    def _account(self, conn_id: str, zone: str) -> DashboardSettings:
        return account_of(conn_id, zone, self.scenario.window, self.concurrency)

    # Nights

    def play(self) -> None:
        """Play all nights.

        Raises:
            Violation: A rule was broken; the message contains the history.
        """
        with ExitStack() as stack:
            self.engine = stack.enter_context(warehouse_of(self._warehouse))
            self.owner = stack.enter_context(self._warehouse.connect())
            load, store = merge_app_days.load, raw_responses.store
            stack.enter_context(patch.object(merge_app_days, "load", self._load(load)))
            stack.enter_context(patch.object(raw_responses, "store", self._store(store)))
            chunk = (500, 500, 500, 4)[self.luck.below(4, "chunk")]
            stack.enter_context(patch.object(fetch, "CHUNK_APP_DAYS", chunk))
            stored = Stored()
            number = 0
            for night in range(self.scenario.nights):
                missed = self.vendor.episode("missed nights", 0.02, 20, night)
                try:
                    if not missed:
                        number = self._night(night, number)
                        compare(
                            self, stored, every_figure=night % 7 == 0 or night == self.scenario.nights - 1
                        )
                except Violation as violation:
                    raise Violation(self._with_history(violation, night)) from None
                except Exception as error:
                    message = self._with_history(Violation(f"{type(error).__name__}: {error}"), night)
                    raise Violation(message) from error

    def _with_history(self, violation: Violation, night: int) -> str:
        lines = [f"night {night}: {violation}", f"{self.scenario}", *self.history[-12:]]
        for key in violation.keys:
            lines += [f"{key[0]} {key[1]}:", *self.sent[key][-15:]]
        return "\n".join(lines)

    def _night(self, night: int, number: int) -> int:
        hours = (1.5, 1.5, 6, 17, 23)[self.luck.below(5, "hour", night)]
        self._pass_to(datetime.combine(self.first_date + night * DAY, time(), UTC) + timedelta(hours=hours))
        self._change_configuration(night)
        self._collect_everything(Run(number, night, self.now))
        number += 1
        if self.vendor.does("by name", 0.15, night):
            self._pass_to(self.now + timedelta(hours=1))
            if days := self._some_days(night):
                self._collect_everything(Run(number, night, self.now), days)
                number += 1
        for late in [late for late in self.late if late.load_after < night]:
            self._load_late(late)
        if self.vendor.does("replays", 0.15, night):
            self._replay(night)
        return number

    def _pass_to(self, now: datetime) -> None:
        """Advance the time and the warehouse's clock."""
        self.now = max(now, self.now + timedelta(seconds=1))
        with self.owner.cursor() as cursor:
            cursor.execute(CLOCK.format(at=self.now.isoformat()))

    # Configuration

    def _change_configuration(self, night: int) -> None:
        does, luck = self.vendor.does, self.luck
        for app_id in self.app_ids:
            app = self.configured.get(app_id)
            if app is None:
                if does("membership", 0.08, "return", night, app_id):
                    known = self.known.get(app_id)
                    conn_id = self.vendor.homes.get(app_id) or (known.conn_id if known else ACCOUNTS[0])
                    self.configured[app_id] = Configured(conn_id)
            elif does("membership", 0.02, "leave", night, app_id) and len(self.configured) > 1:
                del self.configured[app_id]
            elif does("moves", 0.02, night, app_id):
                app.conn_id = ACCOUNTS[1 - ACCOUNTS.index(app.conn_id)]
                if app_id in self.vendor.homes and not does("moves", 0.3, "configured wrong", night, app_id):
                    self.vendor.homes[app_id] = app.conn_id
            elif does("collect dates", 0.03, night, app_id):
                today = self.now.date()
                first = today + (luck.below(40, "collect_from", night, app_id) - 30) * DAY
                last = first + luck.below(40, "collect_until", night, app_id) * DAY
                app.collect_from = first if luck.number("from", night, app_id) < 0.5 else None
                app.collect_until = last if luck.number("until", night, app_id) < 0.5 else None
        for app_id, app in self.configured.items():
            if app_id in self.vendor.homes and self.vendor.homes[app_id] != app.conn_id and night % 5 == 0:
                self.vendor.homes[app_id] = app.conn_id
        for conn_id in ACCOUNTS:
            if does("zones", 0.05, "corrected", night, conn_id):
                self.vendor.settings[conn_id] = self._account(conn_id, self.vendor.zones[conn_id])

    def _some_days(self, night: int) -> Days | None:
        luck, today = self.luck, self.now.date()
        first = today - (1 + luck.below(50, "from", night)) * DAY
        last = min(today, first + luck.below(20, "days", night) * DAY)
        ids = [app_id for app_id in self.configured if luck.number("named", night, app_id) < 0.5]
        yesterday = max(self.vendor.settings[conn_id].today(self.now) for conn_id in self._by_account()) - DAY
        days = Days(first, last, ids, reload=luck.number("reload", night) < 0.5)
        if first > yesterday:
            return None
        require_days(days, first, yesterday)
        return days

    def _by_account(self) -> dict[str, list[AppSettings]]:
        found: defaultdict[str, list[AppSettings]] = defaultdict(list)
        for app_id, app in self.configured.items():
            found[app.conn_id].append(
                AppSettings(
                    app_id=app_id,
                    conn_id=app.conn_id,
                    collect_from=app.collect_from,
                    collect_until=app.collect_until,
                )
            )
        return found

    # Runs

    def _collect_everything(self, run: Run, days: Days | None = None) -> None:
        """Do what a run's tasks do: plan, check access, collect in batches, publish."""
        self.run, since = run, self.now
        random.seed(self.scenario.seed * 1000 + run.number)
        self.history.append(self._named(run, days))
        by_account = self._by_account()
        with self.engine.begin() as connection:
            assert not clock_difference(connection, self.now)
            apps.retire(connection, [*self.configured], f"run {run.number}")
            for conn_id, of_account in by_account.items():
                apps.sync(connection, self.vendor.settings[conn_id], of_account)
            accounts = [
                *by_account,
                *(c for c in apps.accounts_of_removed(connection) if c not in by_account),
            ]
        self._expect(by_account)
        calls: dict[str, Call] = {conn_id: Call(self.vendor, run, conn_id, self.now) for conn_id in accounts}
        due = {conn_id: self._due(conn_id, days) for conn_id in accounts}
        rechecks = {conn_id: set() if days else self._rechecks(conn_id) for conn_id in accounts}
        plans: dict[str, Plan] = {}
        try:
            for conn_id in accounts:
                settings = self.vendor.settings[conn_id]
                ids = [app.app_id for app in by_account.get(conn_id, [])]
                with self.engine.connect() as connection:
                    planned = plan(connection, settings, ids, settings.today(self.now), days)
                if planned.app_days:
                    tried = self._collect(calls[conn_id], planned.app_days, since, tries=True)
                    if tried.stopped:
                        planned = Plan(conn_id, unusable=tried.stopped)
                plans[conn_id] = planned
            size = (1000, 1000, 1000, 100, 20, 6)[self.luck.below(6, "batch", run.number)]
            batches = [
                (conn_id, planned.app_days[start : start + size])
                for conn_id, planned in plans.items()
                for start in range(0, len(planned.app_days), size)
            ]
            for number, (conn_id, batch) in enumerate(batches):
                try:
                    self._collect(calls[conn_id], batch, since, kill=self._kill(run, number))
                except Killed:
                    self.history.append(f"  killed in batch {number} of {conn_id}")
                    if self.luck.number("again", run.number) < 0.5:
                        raise
                    calls[conn_id].repeats += 1
                    self._collect(calls[conn_id], batch, since)
        except (Killed, ClockDiffers) as error:
            if isinstance(error, ClockDiffers) and not any(
                self._is_skewed(run, conn_id) for conn_id in accounts
            ):
                raise
            self.history.append(f"  ended by {type(error).__name__}")
            return
        for conn_id in accounts:
            count = sum(conn == conn_id for conn, _ in batches)
            done = Requested(calls[conn_id], due[conn_id], rechecks[conn_id], count, is_nightly=days is None)
            check_requests(self, done)
        with self.engine.begin() as connection:
            suspicious_responses.describe(connection, since)
        if self.luck.number("refresh", run.number) < 0.9:
            refresh(self.engine)

    def _kill(self, run: Run, number: int) -> tuple[str, int] | None:
        if not self.vendor.does("kills", 0.08, run.number, number):
            return None
        luck = self.luck
        return ("store", "load")[luck.below(2, "step", run.number)], 1 + luck.below(3, "when", run.number)

    def _is_skewed(self, run: Run, conn_id: str) -> bool:
        return abs(self.vendor.skew(run, conn_id)) > timedelta(minutes=5)

    def _named(self, run: Run, days: Days | None) -> str:
        states = []
        for conn_id in ACCOUNTS:
            vendor = self.vendor
            states.append(
                f"{conn_id} ({vendor.settings[conn_id].timezone}):"
                f" {'wrong credentials ' if vendor.refuses_credentials(run, conn_id) else ''}"
                f"storm {vendor.storm(run, conn_id)} throttled from {vendor.throttles_from(run, conn_id)}"
                f" rate {vendor.rate(run, conn_id)} skew {vendor.skew(run, conn_id)}"
            )
        return (
            f"night {run.night}, {run.at:%F %H:%M}, run {run.number} {days or 'nightly'}; {'; '.join(states)}"
        )

    def _expect(self, by_account: dict[str, list[AppSettings]]) -> None:
        for app_id, known in self.known.items():
            if app_id not in self.configured:
                self.expectations[app_id].leave(self.today(known.conn_id))
        for conn_id, of_account in by_account.items():
            self.synced[conn_id] = self.vendor.settings[conn_id].timezone
            oldest = oldest_shown(self.scenario.window, self.today(conn_id))
            for app in of_account:
                self.expectations[app.app_id].configure(oldest, app.collect_from, app.collect_until)
                self.known[app.app_id] = Configured(conn_id, app.collect_from, app.collect_until)

    def today(self, conn_id: str) -> date:
        """Return an account's date in the zone stored in the warehouse."""
        return self.now.astimezone(ZoneInfo(self.synced[conn_id])).date()

    def _due(self, conn_id: str, days: Days | None) -> set[AppDay]:
        """Return the app-days that the rules require a run to request from an account."""
        today = self.vendor.settings[conn_id].today(self.now)
        due = set()
        for app_id, known in self.known.items():
            if known.conn_id != conn_id:
                continue
            if days is None:
                candidates = [
                    day
                    for day in self.expectations[app_id].days
                    if today - 40 * DAY < day < today and not is_over(self.scenario.window, day, today)
                ]
            elif app_id in self.configured and (not days.app_ids or app_id in days.app_ids):
                assert days.from_date
                assert days.to_date
                span = (min(days.to_date, today - DAY) - days.from_date).days + 1
                candidates = [days.from_date + n * DAY for n in range(span)]
            else:
                continue
            for day in candidates:
                stored = self.days.get((app_id, day))
                if stored is None or (days and days.reload):
                    is_due = True
                elif stored.state == "collected":
                    is_due = False
                else:
                    is_same = self._is_same_day(stored, conn_id, day)
                    is_due = days is not None or not counted(stored.points) or is_same
                if is_due:
                    due.add((app_id, day))
        return due

    def _is_same_day(self, stored: Day, conn_id: str, usage_date: date) -> bool:
        """Return whether an account's day is the stored one. A different time zone means a different day."""
        zone = self.vendor.settings[conn_id].timezone
        return stored.conn_id == conn_id or stored.starts_at == midnight(usage_date, zone)

    def _rechecks(self, conn_id: str) -> set[AppDay]:
        """Return the complete app-days that have settled since their last response."""
        today = self.vendor.settings[conn_id].today(self.now)
        first = oldest_shown(self.scenario.window, today) + EDGE_DAYS * DAY
        last = today - (SETTLE_DAYS + 1) * DAY
        return {
            key
            for key, day in self.days.items()
            if first <= key[1] <= last
            and day.state == "collected"
            and conn_id == self.known[key[0]].conn_id
            and self._is_same_day(day, conn_id, key[1])
            and day.verified_at
            and day.starts_at
            and day.verified_at < day.starts_at + (1 + SETTLE_DAYS) * DAY
        }

    def _collect(
        self,
        call: Call,
        planned: Sequence[AppDay],
        since: datetime,
        *,
        tries: bool = False,
        kill: tuple[str, int] | None = None,
    ) -> Any:
        self._pass_to(call.clock + timedelta(seconds=1))
        call.clock = self.now
        before = len(call.sent)
        is_late = not tries and self.vendor.does("late loads", 0.05, call.run.number, before)
        recording = self._recording = Recording(kill, is_late)
        settings, at = self.vendor.settings[call.conn_id], self.now
        try:
            if tries:
                work = check_access(planned, client_of(settings, call), self.engine, now=lambda: at)
            else:
                with self.engine.connect() as connection:
                    done, refused = planning_queries.results(connection, planned, since)
                    witnesses = planning_queries.served(connection, call.conn_id, most=CONFIRMING_APPS)
                work = collect(
                    [day for day in planned if day not in done],
                    client_of(settings, call),
                    self.engine,
                    witnesses=witnesses,
                    refused_before=refused,
                    now=lambda: at,
                )
            summary = self._runner.run(work)
            refused_apps = {sent.app_id for sent in call.sent[before:] if sent.status in (401, 403)}
            if len(refused_apps) >= min(REFUSED_APPS, len({app_id for app_id, _ in planned})):
                call.all_refused = True
        except (Killed, ClockDiffers):
            self._record(call.sent[before:], recording.stored, recording.loaded)
            self._delay_load(call, recording, call.sent[before:])
            raise
        else:
            sent = call.sent[before:]
            self._record(sent, None, None if not recording.late else recording.loaded)
            self._delay_load(call, recording, sent)
        finally:
            self._recording = None
        if summary.stopped:
            self.history.append(f"  {call.conn_id} stopped: {summary.stopped}")
        return summary

    def _record(self, sent: list[Response], stored: set[AppDay] | None, loaded: set[AppDay] | None) -> None:
        """Record what must be in the warehouse: every response, unless the worker was killed."""
        for response in sent:
            key = response.key
            is_raw, is_loaded = stored is None or key in stored, loaded is None or key in loaded
            what = "nothing" if response.points is None else f"{counted(response.points)} points"
            self.sent[key].append(
                f"  {response.at:%F %H:%M:%S.%f} {response.conn_id} {response.status}, {what}"
                f"{'' if is_raw else ', not stored'}{'' if is_loaded else ', not loaded'}"
            )
            if response.is_stored_raw and is_raw:
                self.raw[key].append(response)
            if is_loaded:
                self._apply(response)

    def _apply(self, response: Response) -> None:
        restated = self.days[response.key].record(response)
        self.touched.add(response.key)
        if restated:
            self.restated.append(restated)

    def _delay_load(self, call: Call, recording: Recording, sent: list[Response]) -> None:
        for batch in recording.late:
            keys = set(batch.index)
            responses = [response for response in sent if response.key in keys]
            after = call.run.night + self.luck.below(4, "late", call.run.number)
            self.late.append(Late(batch, call.conn_id, responses, after))

    def _load_late(self, late: Late) -> None:
        self.late.remove(late)
        self.history.append(f"  late load of {len(late.responses)} responses")
        with self.engine.begin() as connection:
            merge_app_days.load(connection, late.batch, late.conn_id)
        for response in late.responses:
            self.sent[response.key].append(f"  {response.at:%F %H:%M:%S.%f} loaded now, {self.now:%F}")
            self._apply(response)

    def _load(self, load: Any) -> Any:
        def loading(connection: Any, batch: Any, conn_id: str) -> Any:
            recording = self._recording
            if recording is None:
                return load(connection, batch, conn_id)
            recording.step("load")
            if recording.is_late:
                recording.late.append(batch)
                return 0
            result = load(connection, batch, conn_id)
            recording.loaded |= set(batch.index)
            return result

        return loading

    def _store(self, store: Any) -> Any:
        def storing(connection: Any, responses: Any) -> None:
            given = list(responses)
            if self._recording:
                self._recording.step("store")
                self._recording.stored |= {(one.app_id, one.usage_date) for one in given}
            store(connection, given)

        return storing

    def _replay(self, night: int) -> None:
        self._pass_to(self.now + timedelta(hours=1))
        luck = self.luck
        first = self.now.date() - luck.below(40, "replay from", night) * DAY
        last = first + luck.below(40, "replay to", night) * DAY
        some = [app_id for app_id in self.app_ids if luck.number("replayed", night, app_id) < 0.5]
        correct = self.vendor.does("zones", 0.5, "replay", night)
        self.history.append(f"  replay {first} to {last} of {some or 'all'}, correct_zone={correct}")
        replay(self.engine, first, last, some, correct_zone=correct)
        for key, responses in sorted(self.raw.items()):
            known = self.known[key[0]]
            if not (first <= key[1] <= last and (not some or key[0] in some) and self.is_reported(key)):
                continue
            day = self.days[key]
            conn_id = day.conn_id or known.conn_id
            restated = day.replay(responses, conn_id, self.synced[conn_id], correct=correct)
            self.touched.add(key)
            if restated:
                self.restated.append(restated)

    def is_reported(self, key: AppDay) -> bool:
        """Return whether mart.coverage has an app-day (rule 5)."""
        app_id, usage_date = key
        if usage_date >= self.today(self.known[app_id].conn_id):
            return False
        if usage_date in self.expectations[app_id].days:
            return True
        return key in self.days and counted(self.days[key].points) > 0

    def points_of_months(self) -> dict[tuple[str, date], dict[date, int]]:
        """Return the numbers of points on each app's reported days, by month."""
        months: defaultdict[tuple[str, date], dict[date, int]] = defaultdict(dict)
        for app_id, usage_date in self.reported():
            day = self.days.get((app_id, usage_date))
            months[app_id, usage_date.replace(day=1)][usage_date] = counted(day.points) if day else 0
        return months

    def reported(self) -> Iterator[AppDay]:
        """Yield every app-day that mart.coverage must contain."""
        for app_id, known in self.known.items():
            today = self.today(known.conn_id)
            expected = {day for day in self.expectations[app_id].days if day < today}
            for usage_date in expected | self._with_points(app_id, today):
                yield app_id, usage_date

    def _with_points(self, app_id: str, today: date) -> set[date]:
        return {
            key[1]
            for key, day in self.days.items()
            if key[0] == app_id and key[1] < today and counted(day.points)
        }


@contextmanager
def warehouse_of(warehouse: Warehouse) -> Iterator[Engine]:
    """Open an engine as the loader."""
    engine = warehouse_engine(warehouse.url("loader"))
    try:
        yield engine
    finally:
        engine.dispose()
