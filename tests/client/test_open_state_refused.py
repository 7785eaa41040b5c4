"""Open states of an account with refused apps: only several refusals stop the account."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from sqlalchemy import Engine

from agora.client.dashboard import CONFIRMING_APPS, DashboardClient
from agora.errors import AppRefused, CredentialsRefused
from agora.push_stream.open_state import OpenStates, open_states
from agora.settings.connections import DashboardSettings, parse_dashboard
from agora.warehouse.engine import warehouse_engine
from tests.support.sandbox_server import RunningSandbox, running_sandbox
from tests.warehouse.database import Warehouse

EITHER_CONCURRENCY = pytest.mark.parametrize("max_concurrency", [1, 16])
EITHER_STATUS = pytest.mark.parametrize("status", [401, 403])
EITHER_ACTION = pytest.mark.parametrize("apply", [False, True], ids=["query", "apply"])


@pytest.fixture(scope="module")
def module_sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=12, quiet=True) as sandbox:
        yield sandbox


@pytest.fixture
def engine(warehouse: Warehouse) -> Iterator[Engine]:
    engine = warehouse_engine(warehouse.url("loader"))
    yield engine
    engine.dispose()


def account_of(sandbox: RunningSandbox, max_concurrency: int) -> DashboardSettings:
    given = {
        "base_url": sandbox.base_url,
        "customer_id": sandbox.customer_id,
        "customer_certificate": sandbox.customer_certificate,
        "requests_per_second": 100_000,
        "max_concurrency": max_concurrency,
    }
    return parse_dashboard("agora_dashboard", given)


def refuse(sandbox: RunningSandbox, app_ids: Sequence[str], status: int, method: str | None = None) -> None:
    faults = [
        {"call": "open_state", "kind": "status", "status": status, "app_id": app_id, "method": method}
        for app_id in app_ids
    ]
    sandbox.put_faults(faults)


def fetch_states(
    engine: Engine, sandbox: RunningSandbox, app_ids: Sequence[str], max_concurrency: int, *, apply: bool
) -> OpenStates:
    async def main() -> OpenStates:
        async with DashboardClient(account_of(sandbox, max_concurrency)) as client:
            return await open_states(app_ids, client, engine, apply=apply)

    return asyncio.run(main())


@EITHER_CONCURRENCY
@EITHER_STATUS
@EITHER_ACTION
@pytest.mark.parametrize("place", [0, 6, 11])
def test_one_refused_app_fails_alone(
    engine: Engine, sandbox: RunningSandbox, max_concurrency: int, status: int, apply: bool, place: int
) -> None:
    foreign = sandbox.app_ids[place]
    refuse(sandbox, [foreign], status)

    states = fetch_states(engine, sandbox, sandbox.app_ids, max_concurrency, apply=apply)

    assert {app_id: type(error) for app_id, error in states.failures.items()} == {foreign: AppRefused}
    assert (states.refused, states.not_requested) == (None, [])
    assert {seen.app_id for seen in states.seen} == {*sandbox.app_ids} - {foreign}
    assert f"HTTP {status}" in states.failed()
    assert states.failed().endswith("See docs/runbook.md#app-refused")


@EITHER_CONCURRENCY
@EITHER_STATUS
@EITHER_ACTION
def test_several_refused_apps_and_none_served_stop_the_account(
    engine: Engine, sandbox: RunningSandbox, max_concurrency: int, status: int, apply: bool
) -> None:
    refuse(sandbox, sandbox.app_ids, status)

    states = fetch_states(engine, sandbox, sandbox.app_ids, max_concurrency, apply=apply)

    assert sandbox.stats()["by_status"] == {str(status): CONFIRMING_APPS}
    assert isinstance(states.refused, CredentialsRefused)
    assert states.failures == {}
    assert len(states.not_requested) == len(sandbox.app_ids) - CONFIRMING_APPS
    sentence, _, rest = states.failed().partition("\n")
    assert sentence.startswith(
        f"Connection agora_dashboard: the vendor refused the credentials for 5 different apps (HTTP {status}"
    )
    assert rest == "7 apps not requested."


@EITHER_CONCURRENCY
def test_refused_apps_do_not_stop_the_account_if_another_is_served(
    engine: Engine, sandbox: RunningSandbox, max_concurrency: int
) -> None:
    foreign = [*sandbox.app_ids[:4], *sandbox.app_ids[5:11]]
    refuse(sandbox, foreign, 401)

    states = fetch_states(engine, sandbox, sandbox.app_ids, max_concurrency, apply=False)

    assert (states.refused, states.not_requested) == (None, [])
    assert sorted(states.failures) == sorted(foreign)
    assert {seen.app_id for seen in states.seen} == {sandbox.app_ids[4], sandbox.app_ids[11]}


@EITHER_CONCURRENCY
def test_refused_applications_do_not_stop_an_account_whose_queries_succeed(
    engine: Engine, sandbox: RunningSandbox, max_concurrency: int
) -> None:
    refuse(sandbox, sandbox.app_ids, 403, "POST")

    states = fetch_states(engine, sandbox, sandbox.app_ids, max_concurrency, apply=True)

    assert (states.refused, states.not_requested) == (None, [])
    assert {type(error) for error in states.failures.values()} == {AppRefused}
    assert sandbox.stats()["by_status"] == {"200": 12, "403": 12}


@pytest.mark.parametrize(("apps", "stopped"), [(1, False), (2, True), (4, True)])
def test_an_account_with_few_apps(engine: Engine, sandbox: RunningSandbox, apps: int, stopped: bool) -> None:
    app_ids = sandbox.app_ids[:apps]
    refuse(sandbox, app_ids, 401)

    states = fetch_states(engine, sandbox, app_ids, 16, apply=False)

    assert isinstance(states.refused, CredentialsRefused) is stopped
    assert len(states.failures) == (0 if stopped else apps)
    assert states.not_requested == []


def test_other_failures_do_not_delay_the_confirmation(engine: Engine, sandbox: RunningSandbox) -> None:
    sandbox.put_faults(
        [
            {"call": "open_state", "kind": "status", "status": 404 if number % 2 else 401, "app_id": app_id}
            for number, app_id in enumerate(sandbox.app_ids)
        ]
    )

    states = fetch_states(engine, sandbox, sandbox.app_ids, 16, apply=False)

    assert isinstance(states.refused, CredentialsRefused)
    assert sandbox.stats()["by_status"]["401"] == CONFIRMING_APPS
