"""Open states of an account some of whose apps the vendor refuses: only several refusals stop the account."""

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

AT_ONCE = pytest.mark.parametrize("max_concurrency", [1, 16])
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


def states_of(
    engine: Engine, sandbox: RunningSandbox, app_ids: Sequence[str], max_concurrency: int, *, apply: bool
) -> OpenStates:
    async def main() -> OpenStates:
        async with DashboardClient(account_of(sandbox, max_concurrency)) as client:
            return await open_states(app_ids, client, engine, apply=apply)

    return asyncio.run(main())


@AT_ONCE
@EITHER_STATUS
@EITHER_ACTION
@pytest.mark.parametrize("place", [0, 6, 11])
def test_one_refused_app_fails_alone(
    engine: Engine, sandbox: RunningSandbox, max_concurrency: int, status: int, apply: bool, place: int
) -> None:
    foreign = sandbox.app_ids[place]
    refuse(sandbox, [foreign], status)

    states = states_of(engine, sandbox, sandbox.app_ids, max_concurrency, apply=apply)

    assert {app_id: type(error) for app_id, error in states.failures.items()} == {foreign: AppRefused}
    assert (states.refused, states.not_requested) == (None, [])
    assert {seen.app_id for seen in states.seen} == {*sandbox.app_ids} - {foreign}
    assert f"HTTP {status}" in states.failed()
    assert states.failed().endswith("See docs/runbook.md#app-refused")


@AT_ONCE
@EITHER_STATUS
@EITHER_ACTION
def test_several_refused_apps_and_none_served_stop_the_account(
    engine: Engine, sandbox: RunningSandbox, max_concurrency: int, status: int, apply: bool
) -> None:
    refuse(sandbox, sandbox.app_ids, status)

    states = states_of(engine, sandbox, sandbox.app_ids, max_concurrency, apply=apply)

    assert sandbox.stats()["by_status"] == {str(status): CONFIRMING_APPS}
    assert isinstance(states.refused, CredentialsRefused)
    assert states.failures == {}
    assert len(states.not_requested) == len(sandbox.app_ids) - CONFIRMING_APPS
    sentence, _, rest = states.failed().partition("\n")
    assert sentence.startswith(
        f"Connection agora_dashboard: the vendor refused the credentials for 5 different apps (HTTP {status}"
    )
    assert rest == "7 apps not requested."


@AT_ONCE
def test_apps_refused_beside_one_that_is_served_do_not_stop_the_account(
    engine: Engine, sandbox: RunningSandbox, max_concurrency: int
) -> None:
    foreign = [*sandbox.app_ids[:4], *sandbox.app_ids[5:11]]
    refuse(sandbox, foreign, 401)

    states = states_of(engine, sandbox, sandbox.app_ids, max_concurrency, apply=False)

    assert (states.refused, states.not_requested) == (None, [])
    assert sorted(states.failures) == sorted(foreign)
    assert {seen.app_id for seen in states.seen} == {sandbox.app_ids[4], sandbox.app_ids[11]}


@AT_ONCE
def test_a_refused_application_does_not_count_against_credentials_that_a_query_proved(
    engine: Engine, sandbox: RunningSandbox, max_concurrency: int
) -> None:
    refuse(sandbox, sandbox.app_ids, 403, "POST")

    states = states_of(engine, sandbox, sandbox.app_ids, max_concurrency, apply=True)

    assert (states.refused, states.not_requested) == (None, [])
    assert {type(error) for error in states.failures.values()} == {AppRefused}
    assert sandbox.stats()["by_status"] == {"200": 12, "403": 12}


@pytest.mark.parametrize(("apps", "stopped"), [(1, False), (2, True), (4, True)])
def test_an_account_of_few_apps(engine: Engine, sandbox: RunningSandbox, apps: int, stopped: bool) -> None:
    app_ids = sandbox.app_ids[:apps]
    refuse(sandbox, app_ids, 401)

    states = states_of(engine, sandbox, app_ids, 16, apply=False)

    assert isinstance(states.refused, CredentialsRefused) is stopped
    assert len(states.failures) == (0 if stopped else apps)
    assert states.not_requested == []


def test_failures_of_another_kind_do_not_hold_up_the_confirmation(
    engine: Engine, sandbox: RunningSandbox
) -> None:
    sandbox.put_faults(
        [
            {"call": "open_state", "kind": "status", "status": 404 if number % 2 else 401, "app_id": app_id}
            for number, app_id in enumerate(sandbox.app_ids)
        ]
    )

    states = states_of(engine, sandbox, sandbox.app_ids, 16, apply=False)

    assert isinstance(states.refused, CredentialsRefused)
    assert sandbox.stats()["by_status"]["401"] == CONFIRMING_APPS
