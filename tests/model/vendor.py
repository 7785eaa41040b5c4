"""A simulated vendor whose responses are a function of the scenario's seed, the run and the app-day."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b

from agora.client.dashboard import DashboardClient
from agora.client.network_errors import NoResponse
from agora.client.request import Request
from agora.client.response import Response as HttpResponse
from agora.rate_limit.local import NoPermit
from agora.settings.connections import DashboardSettings
from tests.model.rules import DAY, SLOTS, Points, Response, oldest_shown

LABELS = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 1440, 5)]
TRIES = 4  # per request, if the client may retry it
RATES = (0.02, 0.1, 0.3, 0.6)
STATUSES = (400, 401, 403, 404, 429, 500, 503, None, 302, 418)
UNITS = ("kbps", "bps")


@dataclass(frozen=True)
class Luck:
    """Random draws that depend only on the seed and their names, so that each can be repeated alone."""

    seed: int

    def number(self, *names: object) -> float:
        """Return a number from 0 up to 1."""
        digest = blake2b(repr((self.seed, names)).encode(), digest_size=7).digest()
        return int.from_bytes(digest) / 2**56

    def below(self, most: int, *names: object) -> int:
        """Return a whole number from 0 to `most` - 1."""
        return int(self.number(*names) * most)


@dataclass(frozen=True)
class Scenario:
    """Everything that a simulated installation depends on."""

    seed: int
    nights: int
    apps: int
    window: str
    behaviours: frozenset[str]


@dataclass(frozen=True)
class Run:
    """One run of a DAG: nightly, a backfill, or a repeated task."""

    number: int
    night: int
    at: datetime


@dataclass(frozen=True)
class Verdict:
    """The outcome of a request: the final status, or None for no response, after some failed attempts."""

    status: int | None
    points: Points | None = None
    body: bytes = b'{"message": "refused"}'
    failed_tries: int = 0
    by_window: bool = False

    @property
    def is_sound(self) -> bool:
        """Whether the first attempt returns points."""
        return self.points is not None and not self.failed_tries


class Vendor:
    """The vendor's side: accounts, which apps they own, windows, contents and faults."""

    def __init__(self, scenario: Scenario, app_ids: list[str], zones: dict[str, str]) -> None:
        self.luck = Luck(scenario.seed)
        self.behaviours = scenario.behaviours
        self.window = scenario.window
        self.app_ids = app_ids
        self.settings: dict[str, DashboardSettings] = {}  # as configured now
        self.zones = zones  # the vendor's own
        self.homes: dict[str, str] = {}  # App ID to account; foreign apps have none

    def does(self, behaviour: str, chance: float, *names: object) -> bool:
        """Return whether a behaviour of the scenario takes place."""
        return behaviour in self.behaviours and self.luck.number(behaviour, *names) < chance

    def episode(self, behaviour: str, chance: float, nights: int, night: int, *names: object) -> bool:
        """Return whether an episode of up to this number of nights is active."""
        return any(
            self.does(behaviour, chance, *names, start)
            and night - start <= self.luck.below(nights, behaviour, "length", *names, start)
            for start in range(night - nights + 1, night + 1)
        )

    # Accounts

    def refuses_credentials(self, run: Run, conn_id: str) -> bool:
        return self.episode("credentials", 0.04, 4, run.night, conn_id)

    def storm(self, run: Run, conn_id: str) -> tuple[int | None, int, int] | None:
        """Return a status with the first and last of the account's requests that receive it, or None."""
        if not self.does("storms", 0.12, run.number, conn_id):
            return None
        kinds = (500, None, 400, 401, 404, 503)
        first = (0, 0, 3, 9)[self.luck.below(4, "storm from", run.number, conn_id)]
        length = (1000, 1000, 4, 12)[self.luck.below(4, "storm for", run.number, conn_id)]
        return kinds[self.luck.below(len(kinds), "storm of", run.number, conn_id)], first, first + length

    def throttles_from(self, run: Run, conn_id: str) -> int | None:
        """Return the account's first request in the run that receives 429, as all later ones do, or None."""
        if self.episode("throttling", 0.04, 3, run.night, conn_id):
            return (0, 0, 2, 8)[self.luck.below(4, "throttled from", run.number, conn_id)]
        return None

    def rate(self, run: Run, conn_id: str) -> float:
        """Return the rate at which requests in a run receive a random status."""
        if not self.does("statuses", 0.3, run.number, conn_id):
            return 0.0
        return RATES[self.luck.below(len(RATES), "rate", run.number, conn_id)]

    def skew(self, run: Run, conn_id: str) -> timedelta:
        """Return how far the vendor's clock is ahead."""
        if not self.does("clocks", 0.1, run.number, conn_id):
            return timedelta()
        return timedelta(minutes=(-30, -4, 2, 4, 6, 600)[self.luck.below(6, "skew", run.number, conn_id)])

    def is_healthy(self, run: Run, conn_id: str) -> bool:
        """Return whether only the apps' own windows and a few faults prevent days from being served."""
        return not (
            self.refuses_credentials(run, conn_id)
            or self.storm(run, conn_id)
            or self.throttles_from(run, conn_id) is not None
            or self.rate(run, conn_id) > 0.1
        )

    # App-days

    def verdict(self, run: Run, conn_id: str, app_id: str, usage_date: date) -> Verdict:
        """Return the outcome of a request, apart from storms and throttling."""
        luck, names = self.luck, (run.number, app_id, usage_date)
        refusal = (401, 403)[luck.below(2, "refusal", app_id)]
        if self.refuses_credentials(run, conn_id):
            return Verdict(refusal)
        if self.homes.get(app_id) != conn_id:
            return Verdict((401, 403, 404)[luck.below(3, "foreign", app_id)])
        if self.episode("unknown", 0.02, 6, run.night, app_id):
            return Verdict(404)
        if not self.oldest(run, app_id) <= usage_date < self.today(run, conn_id):
            return Verdict(400, by_window=True)
        if self.does("late data", 0.2, run.night, app_id) and usage_date >= self.today(run, conn_id) - DAY:
            return Verdict(400)
        if luck.number("status", *names) < self.rate(run, conn_id):
            some = [STATUSES[luck.below(len(STATUSES), "kind", run.number, conn_id, n)] for n in range(2)]
            status = some[luck.below(2, "which", *names)]
            if status == 500:
                points, body = self.content(run, app_id, usage_date)
                return Verdict(200, points, body, failed_tries=1 + luck.below(5, "tries", *names))
            return Verdict(status)
        if self.does("malformed", 0.06, *names) or self.does("malformed", 0.04, "always", app_id, usage_date):
            return Verdict(200, None, malformed(usage_date, luck.below(len(MALFORMED), "malformed", *names)))
        return Verdict(200, *self.content(run, app_id, usage_date))

    def today(self, run: Run, conn_id: str) -> date:
        return self.settings[conn_id].model_copy(update={"timezone": self.zones[conn_id]}).today(run.at)

    def oldest(self, run: Run, app_id: str) -> date:
        """Return the oldest day that the vendor serves for an app."""
        home = self.homes[app_id]
        today = self.today(run, home)
        oldest = oldest_shown(self.window, today)
        if self.does("windows", 0.5, app_id):
            oldest += (self.luck.below(9, "offset", app_id) - 4) * DAY
        if self.episode("windows", 0.03, 10, run.night, "all") or self.episode(
            "windows", 0.02, 12, run.night, app_id
        ):
            oldest = max(oldest, today - (2 + self.luck.below(5, "short", app_id)) * DAY)
        if self.episode("windows", 0.05, 3, run.night, "long"):
            oldest -= 3 * DAY
        return oldest

    def content(self, run: Run, app_id: str, usage_date: date) -> tuple[Points, bytes]:
        """Return a day's points as the vendor serves them in a run, and the body that contains them."""
        luck, day = self.luck, (app_id, usage_date)
        age = (run.at.date() - usage_date).days
        source = app_id
        if self.does("identical", 0.3, usage_date) and (
            self.does("identical", 0.7, "for good", usage_date) or age <= 1
        ):
            source = self.app_ids[luck.below(len(self.app_ids), "original", usage_date)]
        points: list[float | None] = list(truth(luck.seed, source, usage_date))
        if self.does("zeros", 0.25, *day) and age <= 1 + luck.below(3, "zeros for", *day):
            points = [0.0] * SLOTS
        if self.does("restatements", 0.25, *day) and age >= 2 + luck.below(4, "restated", *day):
            for n in range(1 + luck.below(20, "slots", *day)):
                points[luck.below(SLOTS, "slot", *day, n)] = float(luck.below(5000, "kbps", *day, n))
        if self.does("outages", 0.15, *day) and self.episode("outages", 0.25, 3, run.night, *day):
            points = [None if point is None else float(point // 5) for point in points]
        if self.does("partial", 0.3, *day) and age <= 1 + luck.below(6, "partial for", *day):
            missing = (SLOTS, 1, 100 // max(1, age), 20)[luck.below(4, "missing", *day)]
            points[SLOTS - missing :] = [None] * missing
        if self.does("partial", 0.03, "for good", *day):
            points[7] = None
        if self.does("lacking", 0.15, run.number, *day):
            for n in range(1 + luck.below(30, "lacks", run.number, *day)):
                points[luck.below(SLOTS, "lack", run.number, *day, n)] = None
        unit = "kbps"
        if self.does("units", 0.2, run.number, source, usage_date):
            unit = UNITS[luck.below(len(UNITS), "unit", run.number, source, usage_date)]
        return tuple(points), body_of(usage_date, points, unit)


@lru_cache(maxsize=4096)
def truth(seed: int, app_id: str, usage_date: date) -> tuple[float, ...]:
    """Return a day's settled points, whole kbps."""
    luck = Luck(seed)
    if luck.number("idle", app_id, usage_date) < 0.07:
        return (0.0,) * SLOTS
    base, step = (
        1 + luck.below(900, "base", app_id, usage_date),
        1 + luck.below(7, "step", app_id, usage_date),
    )
    return tuple(float(base + slot * step % 97) for slot in range(SLOTS))


def body_of(usage_date: date, points: list[float | None], unit: str) -> bytes:
    """Return a response body with these points."""
    numbers = {
        label: point * 1000 if unit == "bps" else point
        for label, point in zip(LABELS, points, strict=True)
        if point is not None
    }
    return json.dumps({"date": usage_date.isoformat(), "unit": unit, "value": numbers}).encode()


MALFORMED: tuple[Callable[[date], str], ...] = (
    lambda day: "",
    lambda day: "<html>busy</html>",
    lambda day: f'{{"date": "{day}", "unit": "kbps"',
    lambda day: f'{{"date": "{day - DAY}", "unit": "kbps", "value": {{"00:00": 1}}}}',
    lambda day: f'{{"date": "{day}", "unit": "kB", "value": {{"00:00": 1}}}}',
    lambda day: f'{{"date": "{day}", "unit": "kbps", "value": {{"00:00": -1}}}}',
    lambda day: f'{{"date": "{day}", "unit": "kbps", "value": {{"00:00": NaN}}}}',
    lambda day: f'{{"date": "{day}", "unit": "kbps", "value": {{"00:01": 1}}}}',
    lambda day: f'{{"date": "{day}", "unit": "kbps", "value": {{"00:00": 1, "00:00": 2}}}}',
    lambda day: f'{{"date": "{day}", "unit": "kbps", "value": {{"00:00": "1"}}}}',
)


def malformed(usage_date: date, number: int) -> bytes:
    """Return a body that violates the vendor's contract."""
    return MALFORMED[number](usage_date).encode()


@dataclass
class Call:
    """The requests of one run and account, in order."""

    vendor: Vendor
    run: Run
    conn_id: str
    clock: datetime
    sent: list[Response] = field(default_factory=list)
    count: int = 0
    repeats: int = 0  # of batches whose worker was killed
    limited: bool = False
    all_refused: bool = False  # enough apps that the credentials may be wrong


class Wire:
    """Replaces a client's transport, without sockets and delays."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.requests = 0
        self.limited = 0
        self._given_up: NoPermit | None = None

    async def send(self, request: Request, *, retry: bool = True) -> HttpResponse:
        """Return the vendor's response to a request."""
        await asyncio.sleep(0)  # lets other tasks run
        call, vendor = self.call, self.call.vendor
        app_id, usage_date = _app_day_of(request)
        if self._given_up:
            raise NoPermit(str(self._given_up), retry_at=self._given_up.retry_at)
        number, call.count = call.count, call.count + 1
        call.clock += timedelta(milliseconds=1)
        self.requests += 1
        from_number = vendor.throttles_from(call.run, call.conn_id)
        if from_number is not None and number >= from_number:
            self._throttle(app_id, usage_date)
        verdict = vendor.verdict(call.run, call.conn_id, app_id, usage_date)
        storm = vendor.storm(call.run, call.conn_id)
        if storm and storm[1] <= number <= storm[2]:
            verdict = Verdict(storm[0])
        tries = TRIES if retry else 1
        self.requests += min(verdict.failed_tries, tries - 1)
        if verdict.failed_tries >= tries:
            verdict = Verdict(503)
        self._note(app_id, usage_date, verdict)
        if verdict.status is None:
            raise NoResponse("no answer within 30 s")
        return self._http_response(verdict)

    def _throttle(self, app_id: str, usage_date: date) -> None:
        self.limited += 1
        self.call.limited = True
        verdict = Verdict(429)
        long = self.call.vendor.luck.number("retry after", self.call.run.number) < 0.5
        retry_at = self.call.clock + timedelta(days=1) if long else None
        self._given_up = NoPermit("refused for minutes", retry_at=retry_at)
        self._note(app_id, usage_date, verdict)
        raise NoPermit("refused for minutes", retry_at=retry_at, answer=self._http_response(verdict))

    def _http_response(self, verdict: Verdict) -> HttpResponse:
        call = self.call
        skew = call.vendor.skew(call.run, call.conn_id)
        return HttpResponse(verdict.status or 0, verdict.body, call.clock, server_date=call.clock + skew)

    def _note(self, app_id: str, usage_date: date, verdict: Verdict) -> None:
        call = self.call
        zone = call.vendor.settings[call.conn_id].timezone
        call.sent.append(
            Response(
                app_id,
                usage_date,
                call.clock,
                call.conn_id,
                zone,
                verdict.status,
                verdict.points,
                verdict.body,
            )
        )


def client_of(settings: DashboardSettings, call: Call) -> DashboardClient:
    """Return the product's client for an account, on the simulated transport."""
    client = DashboardClient(settings)
    client.transport = Wire(call)  # type: ignore[assignment]  # the part of it that the client uses
    return client


def _app_day_of(request: Request) -> tuple[str, date]:
    app, _, day = request.path.removeprefix("apps/").partition("/usages/bandwidth?date=")
    return app, datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date()
