"""Network faults for one app or for all: each leads to a reason, affects no other app, and is recovered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import timedelta

import pytest

from agora.bandwidth.batch_result import BatchResult
from agora.bandwidth.collect import collect
from agora.client.dashboard import DashboardClient
from agora.client.request import Timeouts
from agora.warehouse.engine import warehouse_engine
from sandbox.proxy import Kind, NetworkFault, Proxy
from tests.bandwidth.collect.night import AppDay, Night, assert_collected, night_of, product
from tests.support.network_proxy import running_proxy
from tests.support.sandbox_server import RunningSandbox, running_sandbox
from tests.warehouse.database import Warehouse

SHORT = Timeouts(connect_seconds=5, silence_seconds=0.5, total_seconds=10)
DAYS = 4
MID_RESPONSE = 500  # bytes: after the headers, before the end

FAULTS = {
    "reset": (NetworkFault("reset"), "the server closed the connection"),
    "reset during the response": (
        NetworkFault("reset", after_bytes=MID_RESPONSE),
        "the connection was closed",
    ),
    "black hole": (NetworkFault("black-hole"), "no data for 0.5 s"),
    "black hole during the response": (
        NetworkFault("black-hole", after_bytes=MID_RESPONSE),
        "no data for 0.5 s",
    ),
    "truncated before the response": (NetworkFault("truncate"), "the server closed the connection"),
    "truncated during the response": (
        NetworkFault("truncate", after_bytes=MID_RESPONSE),
        "the connection was closed",
    ),
    "half-closed before the response": (NetworkFault("half-close"), "the server closed the connection"),
    "half-closed during the response": (
        NetworkFault("half-close", after_bytes=MID_RESPONSE),
        "the connection was closed",
    ),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=3, quiet=True) as running:
        yield running


@pytest.fixture
def proxy(sandbox: RunningSandbox) -> Iterator[Proxy]:
    with running_proxy(sandbox.port) as running:
        yield running


@pytest.fixture
def night(sandbox: RunningSandbox, proxy: Proxy, warehouse: Warehouse) -> Night:
    """Return a night with a few days, whose account sends its requests through the proxy."""
    since = sandbox.today() - timedelta(days=DAYS)
    return night_of(
        sandbox,
        warehouse,
        [{"app_id": app_id, "collect_from": since.isoformat()} for app_id in sandbox.app_ids],
        base_url=sandbox.base_url.replace(str(sandbox.port), str(proxy.port)),
    )


def collect_days(night: Night, app_days: Iterable[AppDay]) -> BatchResult:
    """Collect with short time-outs."""

    async def main() -> BatchResult:
        async with DashboardClient(night.account, timeouts=SHORT) as client:
            return await collect(list(app_days), client, engine)

    engine = warehouse_engine(night.warehouse.url("loader"))
    try:
        return asyncio.run(main())
    finally:
        engine.dispose()


@pytest.mark.parametrize("name", FAULTS)
def test_a_network_fault_for_one_app_fails_only_that_app(
    name: str, night: Night, proxy: Proxy, sandbox: RunningSandbox
) -> None:
    fault, reason = FAULTS[name]
    faulty, *others = sandbox.app_ids
    planned = night.missing()
    days = {day for _, day in planned}
    assert len(days) == DAYS
    assert set(planned) == product(sandbox.app_ids, days)

    proxy.fault = NetworkFault(fault.kind, faulty, fault.after_bytes)
    summary = collect_days(night, planned)

    assert_collected(night, sandbox, product(others, days))
    assert (summary.requested, summary.received) == (3 * DAYS, 2 * DAYS)
    assert set(summary.failures) == {faulty}
    for day in days:
        row = night.ledger()[faulty, day]
        assert (row["state"], row["points"], row["kbps"]) == ("failed", 0, None)
        assert row["reason"].startswith(f"no response from {night.account.base_url}: ")
        assert row["reason"].endswith(reason)
        responses = night.raw(faulty, day)
        assert len(responses) == (fault.after_bytes > 0)
        for response in responses:
            body = bytes(response["body"])
            assert 0 < len(body) < MID_RESPONSE
            assert sandbox.fetch(faulty, day).body.startswith(body)
            assert response["fault"] == f"the body was cut off after {len(body)} bytes"

    proxy.fault = NetworkFault()
    again = night.missing()
    assert set(again) == product([faulty], days)
    assert collect_days(night, again).received == DAYS
    assert_collected(night, sandbox, product(sandbox.app_ids, days))


@pytest.mark.parametrize("kind", ["reset", "black-hole", "truncate", "half-close"])
def test_a_network_fault_for_every_app_loses_nothing(
    kind: Kind, night: Night, proxy: Proxy, sandbox: RunningSandbox
) -> None:
    planned = night.missing()
    proxy.fault = NetworkFault(kind)
    assert collect_days(night, planned).received == 0
    assert night.states() == dict.fromkeys(planned, "failed")
    assert all(row["reason"] and row["http_status"] is None for row in night.ledger().values())
    proxy.fault = NetworkFault()
    assert set(night.missing()) == set(planned)
    collect_days(night, planned)
    assert_collected(night, sandbox, set(planned))


def test_latency_and_jitter_change_nothing(night: Night, proxy: Proxy, sandbox: RunningSandbox) -> None:
    planned = night.missing()
    proxy.fault = NetworkFault(latency_ms=20, jitter_ms=40)
    assert collect_days(night, planned).received == len(planned)
    assert_collected(night, sandbox, set(planned))
