"""Requests in a batch when the vendor refuses some of them."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from agora.bandwidth.access_check import REFUSALS_OF_AN_APP
from agora.bandwidth.fetch import Fetch, Fetched
from agora.bandwidth.window import Edge
from agora.client.dashboard import CONFIRMING_APPS, DashboardClient
from agora.client.response import Response
from agora.errors import (
    AppRefused,
    CredentialsRefused,
    DayRefused,
    RateLimited,
    UnexpectedResponse,
    UnknownApp,
    VendorError,
    VendorUnavailable,
)
from agora.settings.connections import parse_dashboard

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DATES = [TODAY - timedelta(days=age) for age in range(31, 0, -1)]
AppDay = tuple[str, date]
# Status of an app-day; 0 means no response.
Status = Callable[[str, date], int]
ERRORS: dict[int, type[VendorError]] = {
    0: VendorUnavailable,
    302: UnexpectedResponse,
    400: DayRefused,
    401: AppRefused,
    403: AppRefused,
    404: UnknownApp,
    429: RateLimited,
    500: VendorUnavailable,
}


class Scripted(DashboardClient):
    """A client with scripted responses. It records the requests and the highest concurrency."""

    def __init__(self, status: Status, max_concurrency: int) -> None:
        account = {
            "customer_id": "nobody",
            "customer_certificate": "unused",
            "base_url": "http://127.0.0.1:1",
        }
        super().__init__(parse_dashboard("agora_dashboard", {**account, "max_concurrency": max_concurrency}))
        self._status = status
        self.requested: list[AppDay] = []
        self.statuses: list[int] = []
        self._in_flight = 0
        self.max_in_flight = 0

    async def bandwidth(self, app_id: str, usage_date: date, *, retry: bool = True) -> Response:
        self.requested.append((app_id, usage_date))
        self._in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self._in_flight)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self._in_flight -= 1
        status = self._status(app_id, usage_date)
        self.statuses.append(status)
        response = Response(status, b"", NOW) if status else None
        if status == 200:
            assert response
            return response
        error = ERRORS[status](
            f"HTTP {status}",
            about=self.about(app_id, f"{usage_date}"),
            app_id=app_id,
            advice="",
            answer=response,
            conn_id=self.settings.conn_id,
        )
        if isinstance(error, RateLimited):
            error.is_of_account = True  # the client has already waited
        raise error


@dataclass
class Result:
    """The result of a batch."""

    client: Scripted
    fetch: Fetch
    edge: Edge
    items: list[Fetched]

    @property
    def served(self) -> set[AppDay]:
        return {item.key for item in self.items if item.error is None}

    def requests_of(self, *app_ids: str) -> int:
        return sum(app_id in app_ids for app_id, _ in self.client.requested)


def app_ids(count: int) -> list[str]:
    return [f"app{number:02}" for number in range(count)]


def product(apps: Sequence[str], dates: Sequence[date] = DATES) -> list[AppDay]:
    return [(app_id, day) for day in dates for app_id in apps]


def fetch_batch(
    app_days: Sequence[AppDay],
    status: Status,
    *,
    witnesses: Sequence[AppDay] = (),
    max_concurrency: int = 16,
) -> Result:
    async def main() -> Result:
        client = Scripted(status, max_concurrency)
        edge = Edge(app_days, DATES[0], TODAY)
        fetch = Fetch(edge, client, witnesses=witnesses)
        items: list[Fetched] = []
        async with aclosing(fetch.chunks()) as chunks:
            async for chunk in chunks:
                assert len(chunk) == len({item.key for item in chunk}), "an app-day arrived twice in a chunk"
                items += chunk
        return Result(client, fetch, edge, items)

    result = asyncio.run(main())
    sent = [item.key for item in result.items if item.requested]
    assert sorted(sent) == sorted(result.client.requested), "a response is missing or arrived twice"
    if not result.fetch.stopped:
        arrived = {item.key for item in result.items} & set(app_days)
        assert len(arrived) + result.edge.not_requested() == len(app_days), "an app-day was forgotten"
    return result


def always(status: int) -> Status:
    return lambda *_: status


def foreign(*apps: str, status: int = 401) -> Status:
    return lambda app_id, _: status if app_id in apps else 200


def test_a_working_account_is_requested_at_full_concurrency() -> None:
    result = fetch_batch(product(app_ids(20)), always(200))
    assert result.served == set(product(app_ids(20)))
    assert len(result.client.requested) == 20 * 31
    assert result.client.max_in_flight == 16


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("max_concurrency", [1, 2, 16])
@pytest.mark.parametrize("apps", [1, 2, 5, 20, 100])
def test_wrong_credentials_cost_a_few_requests_sent_one_at_a_time(
    apps: int, max_concurrency: int, status: int
) -> None:
    result = fetch_batch(product(app_ids(apps)), always(status), max_concurrency=max_concurrency)
    assert isinstance(result.fetch.stopped, CredentialsRefused)
    assert f"HTTP {status}" in str(result.fetch.stopped)
    assert result.client.max_in_flight == 1
    assert len(result.client.requested) <= REFUSALS_OF_AN_APP * min(apps, CONFIRMING_APPS)


def test_wrong_credentials_cost_a_few_requests_even_if_apps_were_served_before() -> None:
    witnesses = [(app_id, DATES[-1]) for app_id in app_ids(5)]
    result = fetch_batch(product(app_ids(20), DATES[:-1]), always(401), witnesses=witnesses)
    assert isinstance(result.fetch.stopped, CredentialsRefused)
    assert len(result.client.requested) <= 2 * CONFIRMING_APPS


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("foreign_app", ["app00", "app10", "app19"])
@pytest.mark.parametrize("max_concurrency", [1, 16])
def test_an_app_of_another_account_costs_a_few_requests_and_no_days_of_other_apps(
    foreign_app: str, status: int, max_concurrency: int
) -> None:
    result = fetch_batch(
        product(app_ids(20)), foreign(foreign_app, status=status), max_concurrency=max_concurrency
    )
    assert result.fetch.stopped is None
    assert result.served == set(product([app_id for app_id in app_ids(20) if app_id != foreign_app]))
    # All concurrent requests are sent before the first response arrives.
    assert REFUSALS_OF_AN_APP <= result.requests_of(foreign_app) < REFUSALS_OF_AN_APP + max_concurrency
    missing = [item for item in result.items if item.key[0] == foreign_app]
    assert len(missing) == 31
    assert {type(item.error) for item in missing} == {ERRORS[status]}
    assert sum(item.requested for item in missing) == result.requests_of(foreign_app)


def test_foreign_apps_do_not_stop_an_account_whose_other_apps_were_served_before() -> None:
    foreign_apps, own = app_ids(20)[:10], app_ids(20)[10:]
    witnesses = [(app_id, DATES[-1]) for app_id in own[:CONFIRMING_APPS]]
    result = fetch_batch(product(app_ids(20), DATES[:-1]), foreign(*foreign_apps), witnesses=witnesses)
    assert result.fetch.stopped is None
    assert set(product(own, DATES[:-1])) <= result.served <= set(product(own))


@pytest.mark.parametrize("foreign_apps", [1, 2, 3, 4])
def test_a_single_day_refused_for_the_first_apps_is_requested_for_the_others(
    foreign_apps: int,
) -> None:
    """A few refused apps do not refuse the account, although no other app was requested yet."""
    first = [app_id for app_id, _ in Edge(product(app_ids(20), DATES[-1:]), DATES[0], TODAY).first_requests()]
    others = [app_id for app_id in app_ids(20) if app_id not in first]
    refused = [*first, *others][:foreign_apps]
    result = fetch_batch(product(app_ids(20), DATES[-1:]), foreign(*refused))
    assert result.fetch.stopped is None
    assert result.served == set(product([app for app in app_ids(20) if app not in refused], DATES[-1:]))


def test_an_account_with_a_single_app_is_stopped_by_consecutive_refusals() -> None:
    result = fetch_batch(product(["only"]), always(401))
    assert isinstance(result.fetch.stopped, CredentialsRefused)
    assert len(result.client.requested) == REFUSALS_OF_AN_APP
    once = iter([401, 200, 401, 401])
    result = fetch_batch(product(["only"]), lambda *_: next(once, 200))
    assert result.fetch.stopped is None
    assert len(result.served) == 31 - 3


def test_a_foreign_app_does_not_stop_an_account_with_two_apps() -> None:
    for foreign_app, own in (("app00", "app01"), ("app01", "app00")):
        result = fetch_batch(product(app_ids(2)), foreign(foreign_app))
        assert result.fetch.stopped is None
        assert result.served == set(product([own]))


@pytest.mark.parametrize(
    ("rate", "least", "max_concurrency"),
    [(0.03, 0.94, 1), (0.03, 0.94, 16), (0.1, 0.8, 1), (0.1, 0.8, 16), (0.3, 0.2, 16)],
)
@pytest.mark.parametrize("seed", range(10))
def test_random_401s_do_not_stop_an_account(
    rate: float, least: float, max_concurrency: int, seed: int
) -> None:
    chance = random.Random(seed)
    result = fetch_batch(
        product(app_ids(20)),
        lambda *_: 401 if chance.random() < rate else 200,
        max_concurrency=max_concurrency,
    )
    assert result.fetch.stopped is None
    assert len(result.served) >= least * 20 * 31


def test_credentials_withdrawn_during_a_batch_stop_the_account_soon() -> None:
    served = iter(range(100))
    result = fetch_batch(product(app_ids(50)), lambda *_: 200 if next(served, None) is not None else 401)
    assert isinstance(result.fetch.stopped, CredentialsRefused)
    assert len(result.served) == 100
    assert len(result.client.requested) < 200


def test_404s_for_every_app_cost_a_few_requests_per_app() -> None:
    result = fetch_batch(product(app_ids(20)), always(404))
    assert result.fetch.stopped is None
    most = (REFUSALS_OF_AN_APP + 16) * 20
    assert 20 * REFUSALS_OF_AN_APP <= len(result.client.requested) <= most
    assert len(result.items) == 20 * 31


def test_any_other_status_fails_only_its_app_day() -> None:
    result = fetch_batch(product(app_ids(20)), foreign("app03", status=302))
    assert result.fetch.stopped is None
    assert result.requests_of("app03") == 31
    assert result.served == set(product([app_id for app_id in app_ids(20) if app_id != "app03"]))


def test_nothing_but_429s_ends_the_batch() -> None:
    served = iter(range(50))
    result = fetch_batch(product(app_ids(20)), lambda *_: 200 if next(served, None) is not None else 429)
    assert isinstance(result.fetch.stopped, RateLimited)
    assert len(result.served) == 50
    assert len(result.client.requested) <= 50 + 16


def test_a_silent_vendor_is_tried_with_each_app_and_then_left_alone() -> None:
    result = fetch_batch(product(app_ids(40)), always(0))
    assert result.fetch.stopped is None
    assert Counter(app_id for app_id, _ in result.client.requested).keys() == set(app_ids(40))
    assert len(result.client.requested) <= 40 + 3 * 16
    assert {type(item.error) for item in result.items} == {VendorUnavailable}


def test_days_outside_the_window_cost_a_few_requests() -> None:
    window = DATES[-7]
    result = fetch_batch(product(app_ids(50)), lambda _, day: 200 if day >= window else 400)
    assert result.fetch.stopped is None
    assert result.served == set(product(app_ids(50), DATES[-7:]))
    assert result.client.statuses.count(400) <= 3 * 24 + 50
    assert result.edge.not_requested() == 50 * 24 - result.client.statuses.count(400)
