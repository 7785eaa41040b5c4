"""Open states of many apps: what was answered is kept and who failed is named, whatever happens to some."""

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

NOBODYS_APP = "f" * 32
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


def asked(
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


def fault(app: int, **what: Any) -> dict[str, Any]:
    return {"call": "open_state", "app": app, **what}


def held(warehouse: Warehouse) -> list[tuple[str, bool, int]]:
    """Return App ID, state and number of answers of every stretch, as the analyst sees them."""
    rows = warehouse.rows(
        "select app_id, enabled, answers from mart.push_stream_state order by app_id, first_seen_at",
        role="analyst",
    )
    return [(row["app_id"], row["enabled"], row["answers"]) for row in rows]


def test_every_apps_answer_is_kept(warehouse: Warehouse, sandbox: RunningSandbox) -> None:
    truth = {app_id: number % 3 == 0 for number, app_id in enumerate(sandbox.app_ids)}
    sandbox.put_open_states(truth)
    states = asked(warehouse, account_of(sandbox), sandbox.app_ids)
    assert {seen.app_id: seen.enabled for seen in states.seen} == truth
    assert held(warehouse) == [(app_id, enabled, 1) for app_id, enabled in sorted(truth.items())]
    assert states.text() == (
        "agora_dashboard: push-streaming is enabled for 8 apps, not for 16 apps; 24 changed or new."
    )
    assert states.failed() == ""
    assert sandbox.stats()["by_status"] == {"200": 24}
    assert sandbox.open_states() == truth, "asking is no application"


def test_every_app_is_applied_for_once(warehouse: Warehouse, sandbox: RunningSandbox) -> None:
    sandbox.put_open_states({sandbox.app_ids[0]: True})
    states = asked(warehouse, account_of(sandbox), sandbox.app_ids[:-1], apply=True)
    assert sandbox.open_states() == {app_id: app_id != sandbox.app_ids[-1] for app_id in sandbox.app_ids}
    assert held(warehouse) == [(app_id, True, 1) for app_id in sorted(sandbox.app_ids[:-1])]
    assert states.text().startswith("agora_dashboard: push-streaming is enabled for 23 apps, not for 0 apps;")
    assert sandbox.stats()["by_status"] == {"200": 23 + 22}, "each is looked at, and not applied for if open"


def test_an_application_that_is_not_granted_is_kept_like_any_answer(
    warehouse: Warehouse, sandbox: RunningSandbox
) -> None:
    sandbox.put_open_states({sandbox.app_ids[0]: True})
    sandbox.put_open_grants(False)
    states = asked(warehouse, account_of(sandbox), sandbox.app_ids[:3], apply=True)
    assert states.failed() == ""
    assert held(warehouse) == sorted(
        (app_id, app_id == sandbox.app_ids[0], 1) for app_id in sandbox.app_ids[:3]
    )


@EITHER_ACTION
def test_the_same_again_adds_answers_and_changes_nothing(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool
) -> None:
    changed = [asked(warehouse, account_of(sandbox), sandbox.app_ids, apply=apply).changed for _ in range(3)]
    assert changed == [24, 0, 0]
    assert held(warehouse) == [(app_id, apply, 3) for app_id in sorted(sandbox.app_ids)]


def test_a_state_that_changed_begins_a_stretch_of_its_own(
    warehouse: Warehouse, sandbox: RunningSandbox
) -> None:
    one, other = sorted(sandbox.app_ids[:2])
    asked(warehouse, account_of(sandbox), [one, other])
    asked(warehouse, account_of(sandbox), [other], apply=True)
    states = asked(warehouse, account_of(sandbox), [one, other])
    assert held(warehouse) == [(one, False, 2), (other, False, 1), (other, True, 2)]
    assert states.text() == (
        f"agora_dashboard: push-streaming is enabled for 1 app ({other}), not for 1 app ({one});"
        " 0 changed or new."
    )


def test_no_apps_are_no_requests(warehouse: Warehouse, sandbox: RunningSandbox) -> None:
    assert asked(warehouse, account_of(sandbox), []).seen == []
    assert sandbox.stats()["requests"] == 0
    assert held(warehouse) == []


@EITHER_ACTION
@pytest.mark.parametrize("max_concurrency", [1, 4, 16])
def test_some_that_fail_do_not_keep_the_others_from_being_kept(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool, max_concurrency: int
) -> None:
    unheard = OutcomeUnknown if apply else VendorUnavailable
    method = "POST" if apply else "GET"
    check = "Check the App ID and its conn_id in the variable agora_apps"
    failing: dict[int, tuple[dict[str, Any], type[VendorError], str]] = {
        3: ({"kind": "status", "status": 404, "body": "none"}, UnknownApp, f"from the vendor: none. {check}"),
        7: ({"kind": "status", "status": 500, "body": "sorry"}, unheard, "HTTP 500 from the vendor: sorry."),
        11: ({"kind": "body", "body": "<html>"}, UnexpectedResponse, "no open state: <html>."),
        15: (
            {"kind": "disconnect"},
            unheard,
            f"no response from {sandbox.base_url}: the server closed the connection.",
        ),
    }
    sandbox.put_faults([fault(app, method=method, **what) for app, (what, _, _) in failing.items()])
    app_ids = sandbox.app_ids
    account = account_of(sandbox, max_concurrency=max_concurrency)

    states = asked(warehouse, account, [*app_ids[:9], NOBODYS_APP, *app_ids[9:]], apply=apply)

    sound = [app_id for number, app_id in enumerate(app_ids) if number not in failing]
    assert held(warehouse) == [(app_id, apply, 1) for app_id in sorted(sound)]
    kinds = {app_ids[app]: kind for app, (_, kind, _) in failing.items()} | {NOBODYS_APP: UnknownApp}
    assert {app_id: type(error) for app_id, error in states.failures.items()} == kinds
    assert states.not_requested == []
    said = states.failed()
    assert said.startswith("Connection agora_dashboard, push-stream open state: 5 apps failed. App ")
    for app, (_, _, reason) in failing.items():
        assert re.search(f"App {app_ids[app]}: [^.]*{re.escape(reason)}", said)
    assert f"App {NOBODYS_APP}: HTTP 404 from the vendor: There is no such App ID in this account." in said
    assert "docs/runbook.md#unexpected-response, docs/runbook.md#unknown-app" in said
    assert states.text().startswith(said)
    assert sandbox.stats()["by_status"]["500"] == (1 if apply else 4), "what is not safe is not repeated"
    assert sandbox.stats()["by_status"]["none"] == (1 if apply else 4)


def test_a_lost_application_is_not_repeated_and_a_query_finds_out(
    warehouse: Warehouse, sandbox: RunningSandbox
) -> None:
    lost = sandbox.app_ids[5]
    sandbox.put_faults([fault(5, method="POST", kind="disconnect", times=1)])
    states = asked(warehouse, account_of(sandbox), sandbox.app_ids, apply=True)
    assert {app_id: type(error) for app_id, error in states.failures.items()} == {lost: OutcomeUnknown}
    assert "Query the open state, and apply again if it is still false" in states.failed()
    assert states.failed().endswith("See docs/runbook.md#outcome-unknown")
    assert sandbox.stats()["by_status"] == {"200": 24 + 23, "none": 1}
    assert lost not in {app_id for app_id, _, _ in held(warehouse)}, "nobody knows"

    sandbox.reset_stats()
    asked(warehouse, account_of(sandbox), [lost], apply=True)
    assert (lost, True, 1) in held(warehouse)
    assert sandbox.stats()["requests"] == 1, "it is looked at first, and is open already"


@EITHER_ACTION
@pytest.mark.parametrize("max_concurrency", [1, 4, 16])
def test_wrong_credentials_are_a_handful_of_requests_and_nothing_kept(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool, max_concurrency: int
) -> None:
    account = account_of(sandbox, max_concurrency=max_concurrency, customer_certificate="wrong")
    states = asked(warehouse, account, sandbox.app_ids, apply=apply)
    assert isinstance(states.refused, CredentialsRefused)
    assert states.failures == {}
    assert "Fix the connection agora_dashboard" in states.failed()
    assert sandbox.stats()["by_status"] == {"401": CONFIRMING_APPS}
    assert len(states.not_requested) == len(sandbox.app_ids) - CONFIRMING_APPS
    assert held(warehouse) == []


@EITHER_ACTION
@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("max_concurrency", [1, 4])
def test_an_app_that_is_refused_costs_no_other_apps_answer(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool, max_concurrency: int, status: int
) -> None:
    for refused in (0, 10):
        sandbox.reset_stats()
        sandbox.put_faults([fault(refused, kind="status", status=status)])
        account = account_of(sandbox, max_concurrency=max_concurrency)
        states = asked(warehouse, account, sandbox.app_ids, apply=apply)
        assert (states.refused, states.not_requested) == (None, [])
        assert {app_id: type(error) for app_id, error in states.failures.items()} == {
            sandbox.app_ids[refused]: AppRefused
        }
        assert f"App {sandbox.app_ids[refused]}: HTTP {status}" in states.failed()
        assert states.failed().endswith("See docs/runbook.md#app-refused")
        assert sandbox.stats()["by_status"][str(status)] == 1
        assert {seen.app_id for seen in states.seen} == {*sandbox.app_ids} - {sandbox.app_ids[refused]}
    assert {app_id for app_id, _, _ in held(warehouse)} == {*sandbox.app_ids}


def given_up(states: OpenStates, app_ids: Sequence[str], max_concurrency: int) -> str:
    """See to it that all was given up soon; return what is said of it."""
    failed = len(states.failures)
    assert 2 * max_concurrency <= failed < 3 * max_concurrency, "each worker may have one more under way"
    assert sorted([*states.failures, *states.not_requested]) == sorted(app_ids)
    said = states.failed()
    assert said.endswith(f"{len(app_ids) - failed} apps not requested.")
    return said


@EITHER_ACTION
@pytest.mark.parametrize("max_concurrency", [1, 3, 7])
def test_a_vendor_that_does_not_listen_is_given_up(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool, max_concurrency: int
) -> None:
    account = account_of(sandbox, base_url="http://127.0.0.1:1/dev/v2", max_concurrency=max_concurrency)
    states = asked(warehouse, account, sandbox.app_ids, apply=apply)
    said = given_up(states, sandbox.app_ids, max_concurrency)
    assert {type(error) for error in states.failures.values()} == {VendorUnavailable}
    assert "no response from http://127.0.0.1:1/dev/v2: no connection" in said
    assert "See docs/runbook.md#vendor-unavailable" in said
    assert held(warehouse) == []


@EITHER_ACTION
def test_a_vendor_that_is_silent_is_given_up(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool
) -> None:
    with running_proxy(sandbox.port, NetworkFault("black-hole")) as proxy:
        account = account_of(sandbox, base_url=f"http://127.0.0.1:{proxy.port}/dev/v2", max_concurrency=4)
        states = asked(
            warehouse, account, sandbox.app_ids, apply=apply, timeouts=Timeouts(silence_seconds=0.2)
        )
    said = given_up(states, sandbox.app_ids, 4)
    assert {type(error) for error in states.failures.values()} == {VendorUnavailable}
    assert "no data for 0.2 s" in said


@EITHER_ACTION
def test_a_vendor_that_goes_down_on_the_way_is_given_up_and_the_answers_kept(
    warehouse: Warehouse, sandbox: RunningSandbox, apply: bool
) -> None:
    sandbox.put_faults([fault(app, kind="status", status=503) for app in range(8, 24)])
    states = asked(warehouse, account_of(sandbox, max_concurrency=1), sandbox.app_ids, apply=apply)
    given_up(states, sandbox.app_ids[8:], 1)
    assert held(warehouse) == [(app_id, apply, 1) for app_id in sorted(sandbox.app_ids[:8])]


@pytest.mark.parametrize(
    "between",
    [{}, {"kind": "status", "status": 404}, {"kind": "body", "body": "no"}],
    ids=["an answer", "a 404", "an unreadable answer"],
)
def test_a_vendor_that_answers_in_between_is_not_given_up(
    warehouse: Warehouse, sandbox: RunningSandbox, between: dict[str, Any]
) -> None:
    down = [fault(app, kind="disconnect") for app in range(0, 24, 2)]
    sandbox.put_faults([*down, *(fault(app, **between) for app in range(1, 24, 2) if between)])
    states = asked(warehouse, account_of(sandbox, max_concurrency=1), sandbox.app_ids)
    assert states.not_requested == []
    assert len(states.failures) == (24 if between else 12)
    assert len(held(warehouse)) == (0 if between else 12)


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
    said = asked(warehouse, account_of(sandbox), sandbox.app_ids).failed()
    assert said.count("HTTP 404 from the vendor: ") == 1
    assert f"App {', '.join(others[:5])} and 18 more: HTTP 404 from the vendor: " in said
    assert f"App {gone}: HTTP 400 from the vendor: " in said


def test_an_answer_that_took_long_is_not_newer_than_one_asked_for_meanwhile(
    warehouse: Warehouse, sandbox: RunningSandbox
) -> None:
    app_id = sandbox.app_ids[0]
    sandbox.put_faults([fault(0, method="GET", kind="delay", seconds=2, times=1)])
    with ThreadPoolExecutor(1) as elsewhere:
        slow = elsewhere.submit(asked, warehouse, account_of(sandbox), [app_id])
        while sandbox.stats()["requests"] == 0:
            time.sleep(0.01)
        asked(warehouse, account_of(sandbox), [app_id], apply=True)
        slow.result()
    assert held(warehouse) == [(app_id, True, 1)]


def test_what_was_answered_is_kept_whatever_ends_it(warehouse: Warehouse, sandbox: RunningSandbox) -> None:
    async def stopped() -> None:
        async with DashboardClient(account_of(sandbox, max_concurrency=1)) as client, asyncio.timeout(2):
            await open_states(sandbox.app_ids, client, engine, apply=True)

    sandbox.put_faults([fault(7, method="POST", kind="delay", seconds=30)])
    engine = warehouse_engine(warehouse.url("loader"))
    with pytest.raises(TimeoutError):
        asyncio.run(stopped())
    engine.dispose()
    assert held(warehouse) == [(app_id, True, 1) for app_id in sorted(sandbox.app_ids[:7])]
