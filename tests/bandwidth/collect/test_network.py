"""Faults of the network strike one app or all: each ends as a reason, hides nobody else's days, and heals."""

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
from tests.bandwidth.collect.night import AppDay, Night, assert_true, night_of, product
from tests.support.network_proxy import running_proxy
from tests.support.sandbox_server import RunningSandbox, running_sandbox
from tests.warehouse.database import Warehouse

SHORT = Timeouts(connect_seconds=5, silence_seconds=0.5, total_seconds=10)
DAYS = 4
MID_ANSWER = 500  # bytes: beyond the head, before the end

STRUCK = {
    "reset": (NetworkFault("reset"), "the server closed the connection"),
    "reset in mid-answer": (NetworkFault("reset", after_bytes=MID_ANSWER), "the connection was closed"),
    "black hole": (NetworkFault("black-hole"), "no data for 0.5 s"),
    "black hole in mid-answer": (
        NetworkFault("black-hole", after_bytes=MID_ANSWER),
        "no data for 0.5 s",
    ),
    "truncated to nothing": (NetworkFault("truncate"), "the server closed the connection"),
    "truncated in mid-answer": (
        NetworkFault("truncate", after_bytes=MID_ANSWER),
        "the connection was closed",
    ),
    "half-closed before the answer": (NetworkFault("half-close"), "the server closed the connection"),
    "half-closed in mid-answer": (
        NetworkFault("half-close", after_bytes=MID_ANSWER),
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
    """Return a night of a few days that has been planned, and whose account asks through the proxy."""
    since = sandbox.today() - timedelta(days=DAYS)
    return night_of(
        sandbox,
        warehouse,
        [{"app_id": app_id, "collect_from": since.isoformat()} for app_id in sandbox.app_ids],
        base_url=sandbox.base_url.replace(str(sandbox.port), str(proxy.port)),
    )


def collected(night: Night, app_days: Iterable[AppDay]) -> BatchResult:
    """Collect with time-outs that a test can wait for."""

    async def main() -> BatchResult:
        async with DashboardClient(night.account, timeouts=SHORT) as client:
            return await collect(list(app_days), client, engine)

    engine = warehouse_engine(night.warehouse.url("loader"))
    try:
        return asyncio.run(main())
    finally:
        engine.dispose()


@pytest.mark.parametrize("name", STRUCK)
def test_one_app_is_struck_and_only_that_one_fails(
    name: str, night: Night, proxy: Proxy, sandbox: RunningSandbox
) -> None:
    fault, reason = STRUCK[name]
    struck, *others = sandbox.app_ids
    planned = night.missing()
    days = {day for _, day in planned}
    assert len(days) == DAYS
    assert set(planned) == product(sandbox.app_ids, days)

    proxy.fault = NetworkFault(fault.kind, struck, fault.after_bytes)
    summary = collected(night, planned)

    assert_true(night, sandbox, product(others, days))
    assert (summary.requested, summary.received) == (3 * DAYS, 2 * DAYS)
    assert set(summary.failures) == {struck}
    for day in days:
        row = night.ledger()[struck, day]
        assert (row["state"], row["points"], row["kbps"]) == ("failed", 0, None)
        assert row["reason"].startswith(f"no response from {night.account.base_url}: ")
        assert row["reason"].endswith(reason)
        came = night.raw(struck, day)
        assert len(came) == (fault.after_bytes > 0)
        for answer in came:
            body = bytes(answer["body"])
            assert 0 < len(body) < MID_ANSWER
            assert sandbox.fetch(struck, day).body.startswith(body)
            assert answer["fault"] == f"the body was cut off after {len(body)} bytes"

    proxy.fault = NetworkFault()
    again = night.missing()
    assert set(again) == product([struck], days)
    assert collected(night, again).received == DAYS
    assert_true(night, sandbox, product(sandbox.app_ids, days))


@pytest.mark.parametrize("kind", ["reset", "black-hole", "truncate", "half-close"])
def test_everything_is_struck_and_nothing_is_lost(
    kind: Kind, night: Night, proxy: Proxy, sandbox: RunningSandbox
) -> None:
    planned = night.missing()
    proxy.fault = NetworkFault(kind)
    assert collected(night, planned).received == 0
    assert night.states() == dict.fromkeys(planned, "failed")
    assert all(row["reason"] and row["http_status"] is None for row in night.ledger().values())
    proxy.fault = NetworkFault()
    assert set(night.missing()) == set(planned)
    collected(night, planned)
    assert_true(night, sandbox, set(planned))


def test_a_slow_and_unsteady_line_changes_nothing(
    night: Night, proxy: Proxy, sandbox: RunningSandbox
) -> None:
    planned = night.missing()
    proxy.fault = NetworkFault(latency_ms=20, jitter_ms=40)
    assert collected(night, planned).received == len(planned)
    assert_true(night, sandbox, set(planned))
