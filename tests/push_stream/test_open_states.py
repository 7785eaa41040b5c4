"""Open states of many apps: received states are stored and failed apps are named, despite other failures."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from agora.client.dashboard import CONFIRMING_APPS, DashboardClient
from agora.client.request import TIMEOUTS, Timeouts
from agora.errors import (
    AppRefused,
    CredentialsRefused,
    OutcomeUnknown,
    UnexpectedResponse,
    UnknownApp,
    VendorError,
    VendorUnavailable,
)
from agora.push_stream.open_state import OpenStates, open_states
from agora.settings.connections import DashboardSettings, parse_dashboard
from agora.warehouse.engine import warehouse_engine
from sandbox.proxy import NetworkFault
from tests.support.network_proxy import running_proxy
from tests.support.sandbox_server import RunningSandbox
from tests.warehouse.database import Warehouse

UNKNOWN_APP_ID = "f" * 32
EITHER_ACTION = pytest.mark.parametrize("apply", [False, True], ids=["query", "apply"])


def account_of(sandbox: RunningSandbox, **fields: Any) -> DashboardSettings:
    given = {
        "base_url": sandbox.base_url,
        "customer_id": sandbox.customer_id,
        "customer_certificate": sandbox.customer_certificate,
        "requests_per_second": 100_000,
        **fields,
    }
    return parse_dashboard("agora_dashboard", given)


def request_states(
    warehouse: Warehouse,
    account: DashboardSettings,
    app_ids: Sequence[str],
    *,
    apply: bool = False,
    timeouts: Timeouts = TIMEOUTS,
) -> OpenStates:
    async def main() -> OpenStates:
        async with DashboardClient(account, timeouts=timeouts) as client:
            return await open_states(app_ids, client, engine, apply=apply)

    engine = warehouse_engine(warehouse.url("loader"))
    try:
        return asyncio.run(main())
    finally:
        engine.dispose()


def fault(app: int, **fields: Any) -> dict[str, Any]:
    return {"call": "open_state", "app": app, **fields}


def stored_states(warehouse: Warehouse) -> list[tuple[str, bool, int]]:
    """Return App ID, state and number of responses of every period, read as the analyst."""
    rows = warehouse.rows(
        "select app_id, enabled, answers from mart.push_stream_state order by app_id, first_seen_at",
        role="analyst",
    )
    return [(row["app_id"], row["enabled"], row["answers"]) for row in rows]


def test_the_open_state_of_every_app_is_stored(warehouse: Warehouse, sandbox: RunningSandbox) -> None:
    truth = {app_id: number % 3 == 0 for number, app_id in enumerate(sandbox.app_ids)}
    sandbox.put_open_states(truth)
    states = request_states(warehouse, account_of(sandbox), sandbox.app_ids)
    assert {seen.app_id: seen.enabled for seen in states.seen} == truth
    assert stored_states(warehouse) == [(app_id, enabled, 1) for app_id, enabled in sorted(truth.items())]
    assert states.text() == (
        "agora_dashboard: push-streaming is enabled for 8 apps, not for 16 apps; 24 changed or new."
    )
    assert states.failed() == ""
    assert sandbox.stats()["by_status"] == {"200": 24}
    assert sandbox.open_states() == truth, "a query must not apply"


def test_one_application_is_sent_per_app(warehouse: Warehouse, sandbox: RunningSandbox) -> None:
    sandbox.put_open_states({sandbox.app_ids[0]: True})
    states = request_states(warehouse, account_of(sandbox), sandbox.app_ids[:-1], apply=True)
    assert sandbox.open_states() == {app_id: app_id != sandbox.app_ids[-1] for app_id in sandbox.app_ids}
    assert stored_states(warehouse) == [(app_id, True, 1) for app_id in sorted(sandbox.app_ids[:-1])]
    assert states.text().startswith("agora_dashboard: push-streaming is enabled for 23 apps, not for 0 apps;")
    assert sandbox.stats()["by_status"] == {"200": 23 + 22}, (
        "each app is queried first, and an open app needs no application"
    )


def test_the_response_to_a_denied_application_is_stored(
    warehouse: Warehouse, sandbox: RunningSandbox
) -> None:
    sandbox.put_open_states({sandbox.app_ids[0]: True})
    sandbox.put_open_grants(False)
    states = request_states(warehouse, account_of(sandbox), sandbox.app_ids[:3], apply=True)
    assert states.failed() == ""
    assert stored_states(warehouse) == sorted(
        (app_id, app_id == sandbox.app_ids[0], 1) for app_id in sandbox.app_ids[:3]
    )


@EITHER_ACTION
def test_a_repeated_state_is_counted_and_changes_nothing(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool
) -> None:
    changed = [
        request_states(warehouse, account_of(sandbox), sandbox.app_ids, apply=apply).changed for _ in range(3)
    ]
    assert changed == [24, 0, 0]
    assert stored_states(warehouse) == [(app_id, apply, 3) for app_id in sorted(sandbox.app_ids)]


def test_a_changed_state_begins_a_new_period(warehouse: Warehouse, sandbox: RunningSandbox) -> None:
    one, other = sorted(sandbox.app_ids[:2])
    request_states(warehouse, account_of(sandbox), [one, other])
    request_states(warehouse, account_of(sandbox), [other], apply=True)
    states = request_states(warehouse, account_of(sandbox), [one, other])
    assert stored_states(warehouse) == [(one, False, 2), (other, False, 1), (other, True, 2)]
    assert states.text() == (
        f"agora_dashboard: push-streaming is enabled for 1 app ({other}), not for 1 app ({one});"
        " 0 changed or new."
    )


def test_without_apps_nothing_is_requested(warehouse: Warehouse, sandbox: RunningSandbox) -> None:
    assert request_states(warehouse, account_of(sandbox), []).seen == []
    assert sandbox.stats()["requests"] == 0
    assert stored_states(warehouse) == []


@EITHER_ACTION
@pytest.mark.parametrize("max_concurrency", [1, 4, 16])
def test_failing_apps_do_not_affect_the_others(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool, max_concurrency: int
) -> None:
    no_response = OutcomeUnknown if apply else VendorUnavailable
    method = "POST" if apply else "GET"
    check = "Check the App ID and its conn_id in the variable agora_apps"
    failing: dict[int, tuple[dict[str, Any], type[VendorError], str]] = {
        3: ({"kind": "status", "status": 404, "body": "none"}, UnknownApp, f"from the vendor: none. {check}"),
        7: (
            {"kind": "status", "status": 500, "body": "sorry"},
            no_response,
            "HTTP 500 from the vendor: sorry.",
        ),
        11: ({"kind": "body", "body": "<html>"}, UnexpectedResponse, "no open state: <html>."),
        15: (
            {"kind": "disconnect"},
            no_response,
            f"no response from {sandbox.base_url}: the server closed the connection.",
        ),
    }
    sandbox.put_faults([fault(app, method=method, **fields) for app, (fields, _, _) in failing.items()])
    app_ids = sandbox.app_ids
    account = account_of(sandbox, max_concurrency=max_concurrency)

    states = request_states(warehouse, account, [*app_ids[:9], UNKNOWN_APP_ID, *app_ids[9:]], apply=apply)

    sound = [app_id for number, app_id in enumerate(app_ids) if number not in failing]
    assert stored_states(warehouse) == [(app_id, apply, 1) for app_id in sorted(sound)]
    kinds = {app_ids[app]: kind for app, (_, kind, _) in failing.items()} | {UNKNOWN_APP_ID: UnknownApp}
    assert {app_id: type(error) for app_id, error in states.failures.items()} == kinds
    assert states.not_requested == []
    message = states.failed()
    assert message.startswith("Connection agora_dashboard, push-stream open state: 5 apps failed. App ")
    for app, (_, _, reason) in failing.items():
        assert re.search(f"App {app_ids[app]}: [^.]*{re.escape(reason)}", message)
    assert (
        f"App {UNKNOWN_APP_ID}: HTTP 404 from the vendor: There is no such App ID in this account." in message
    )
    assert "docs/runbook.md#unexpected-response, docs/runbook.md#unknown-app" in message
    assert states.text().startswith(message)
    assert sandbox.stats()["by_status"]["500"] == (1 if apply else 4), "an unsafe request is not repeated"
    assert sandbox.stats()["by_status"]["none"] == (1 if apply else 4)


def test_an_application_with_an_unknown_outcome_is_not_repeated_and_a_query_resolves_it(
    warehouse: Warehouse, sandbox: RunningSandbox
) -> None:
    lost = sandbox.app_ids[5]
    sandbox.put_faults([fault(5, method="POST", kind="disconnect", times=1)])
    states = request_states(warehouse, account_of(sandbox), sandbox.app_ids, apply=True)
    assert {app_id: type(error) for app_id, error in states.failures.items()} == {lost: OutcomeUnknown}
    assert "Query the open state, and apply again if it is still false" in states.failed()
    assert states.failed().endswith("See docs/runbook.md#outcome-unknown")
    assert sandbox.stats()["by_status"] == {"200": 24 + 23, "none": 1}
    assert lost not in {app_id for app_id, _, _ in stored_states(warehouse)}, "the state is unknown"

    sandbox.reset_stats()
    request_states(warehouse, account_of(sandbox), [lost], apply=True)
    assert (lost, True, 1) in stored_states(warehouse)
    assert sandbox.stats()["requests"] == 1, "the query shows that the app is already open"


@EITHER_ACTION
@pytest.mark.parametrize("max_concurrency", [1, 4, 16])
def test_wrong_credentials_cost_a_few_requests_and_nothing_is_stored(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool, max_concurrency: int
) -> None:
    account = account_of(sandbox, max_concurrency=max_concurrency, customer_certificate="wrong")
    states = request_states(warehouse, account, sandbox.app_ids, apply=apply)
    assert isinstance(states.refused, CredentialsRefused)
    assert states.failures == {}
    assert "Fix the connection agora_dashboard" in states.failed()
    assert sandbox.stats()["by_status"] == {"401": CONFIRMING_APPS}
    assert len(states.not_requested) == len(sandbox.app_ids) - CONFIRMING_APPS
    assert stored_states(warehouse) == []


@EITHER_ACTION
@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("max_concurrency", [1, 4])
def test_a_refused_app_does_not_affect_the_others(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool, max_concurrency: int, status: int
) -> None:
    for refused in (0, 10):
        sandbox.reset_stats()
        sandbox.put_faults([fault(refused, kind="status", status=status)])
        account = account_of(sandbox, max_concurrency=max_concurrency)
        states = request_states(warehouse, account, sandbox.app_ids, apply=apply)
        assert (states.refused, states.not_requested) == (None, [])
        assert {app_id: type(error) for app_id, error in states.failures.items()} == {
            sandbox.app_ids[refused]: AppRefused
        }
        assert f"App {sandbox.app_ids[refused]}: HTTP {status}" in states.failed()
        assert states.failed().endswith("See docs/runbook.md#app-refused")
        assert sandbox.stats()["by_status"][str(status)] == 1
        assert {seen.app_id for seen in states.seen} == {*sandbox.app_ids} - {sandbox.app_ids[refused]}
    assert {app_id for app_id, _, _ in stored_states(warehouse)} == {*sandbox.app_ids}


def assert_given_up(states: OpenStates, app_ids: Sequence[str], max_concurrency: int) -> str:
    """Assert that the remaining requests were given up early, and return the error text."""
    failed = len(states.failures)
    assert 2 * max_concurrency <= failed < 3 * max_concurrency, (
        "each worker may have one more request in flight"
    )
    assert sorted([*states.failures, *states.not_requested]) == sorted(app_ids)
    message = states.failed()
    assert message.endswith(f"{len(app_ids) - failed} apps not requested.")
    return message


@EITHER_ACTION
@pytest.mark.parametrize("max_concurrency", [1, 3, 7])
def test_requests_to_an_unreachable_vendor_are_given_up(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool, max_concurrency: int
) -> None:
    account = account_of(sandbox, base_url="http://127.0.0.1:1/dev/v2", max_concurrency=max_concurrency)
    states = request_states(warehouse, account, sandbox.app_ids, apply=apply)
    message = assert_given_up(states, sandbox.app_ids, max_concurrency)
    assert {type(error) for error in states.failures.values()} == {VendorUnavailable}
    assert "no response from http://127.0.0.1:1/dev/v2: no connection" in message
    assert "See docs/runbook.md#vendor-unavailable" in message
    assert stored_states(warehouse) == []


@EITHER_ACTION
def test_requests_to_a_silent_vendor_are_given_up(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool
) -> None:
    with running_proxy(sandbox.port, NetworkFault("black-hole")) as proxy:
        account = account_of(sandbox, base_url=f"http://127.0.0.1:{proxy.port}/dev/v2", max_concurrency=4)
        states = request_states(
            warehouse, account, sandbox.app_ids, apply=apply, timeouts=Timeouts(silence_seconds=0.2)
        )
    message = assert_given_up(states, sandbox.app_ids, 4)
    assert {type(error) for error in states.failures.values()} == {VendorUnavailable}
    assert "no data for 0.2 s" in message


@EITHER_ACTION
def test_an_outage_ends_the_requests_and_received_states_are_stored(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool
) -> None:
    sandbox.put_faults([fault(app, kind="status", status=503) for app in range(8, 24)])
    states = request_states(warehouse, account_of(sandbox, max_concurrency=1), sandbox.app_ids, apply=apply)
    assert_given_up(states, sandbox.app_ids[8:], 1)
    assert stored_states(warehouse) == [(app_id, apply, 1) for app_id in sorted(sandbox.app_ids[:8])]


@pytest.mark.parametrize(
    "between",
    [{}, {"kind": "status", "status": 404}, {"kind": "body", "body": "no"}],
    ids=["a valid response", "a 404", "an invalid response"],
)
def test_requests_continue_while_some_get_a_response(
    warehouse: Warehouse, sandbox: RunningSandbox, between: dict[str, Any]
) -> None:
    down = [fault(app, kind="disconnect") for app in range(0, 24, 2)]
    sandbox.put_faults([*down, *(fault(app, **between) for app in range(1, 24, 2) if between)])
    states = request_states(warehouse, account_of(sandbox, max_concurrency=1), sandbox.app_ids)
    assert states.not_requested == []
    assert len(states.failures) == (24 if between else 12)
    assert len(stored_states(warehouse)) == (0 if between else 12)


def test_apps_that_fail_for_the_same_reason_are_named_together(
    warehouse: Warehouse, sandbox: RunningSandbox
) -> None:
    gone, *others = sorted(sandbox.app_ids)
    sandbox.put_faults([{"call": "open_state", "kind": "status", "status": 404}])
    sandbox.put_faults(
        [
            fault(sandbox.app_ids.index(gone), kind="status", status=400),
            {"call": "open_state", "kind": "status", "status": 404},
        ]
    )
    message = request_states(warehouse, account_of(sandbox), sandbox.app_ids).failed()
    assert message.count("HTTP 404 from the vendor: ") == 1
    assert f"App {', '.join(others[:5])} and 18 more: HTTP 404 from the vendor: " in message
    assert f"App {gone}: HTTP 400 from the vendor: " in message


def test_a_slow_response_does_not_replace_one_requested_later(
    warehouse: Warehouse, sandbox: RunningSandbox
) -> None:
    app_id = sandbox.app_ids[0]
    sandbox.put_faults([fault(0, method="GET", kind="delay", seconds=2, times=1)])
    with ThreadPoolExecutor(1) as elsewhere:
        slow = elsewhere.submit(request_states, warehouse, account_of(sandbox), [app_id])
        while sandbox.stats()["requests"] == 0:
            time.sleep(0.01)
        request_states(warehouse, account_of(sandbox), [app_id], apply=True)
        slow.result()
    assert stored_states(warehouse) == [(app_id, True, 1)]


def test_received_states_are_stored_despite_an_interruption(
    warehouse: Warehouse, sandbox: RunningSandbox
) -> None:
    async def stopped() -> None:
        async with DashboardClient(account_of(sandbox, max_concurrency=1)) as client, asyncio.timeout(2):
            await open_states(sandbox.app_ids, client, engine, apply=True)

    sandbox.put_faults([fault(7, method="POST", kind="delay", seconds=30)])
    engine = warehouse_engine(warehouse.url("loader"))
    with pytest.raises(TimeoutError):
        asyncio.run(stopped())
    engine.dispose()
    assert stored_states(warehouse) == [(app_id, True, 1) for app_id in sorted(sandbox.app_ids[:7])]
