"""With a blocked warehouse, the page returns 503 in time, and Airflow's own routes keep working."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import httpx
import pytest

from agora.warehouse.migrations.migrate import migrate
from agora.web.mount import PREFIX
from agora.web.thread_pool import MAX_CONCURRENT_REQUESTS, MAX_WAIT_SECONDS
from deploy.local.postgres_throwaway import throwaway
from deploy.local.settings import free_port
from tests.support.paths import ROOT
from tests.warehouse.database import Warehouse

REQUESTS = 45  # the api-server has 40 threads
ROUTES = ("coverage", "bill?month=2026-11", "health", "traffic", "apps", "months", "bill.csv?month=2026-11")
WAITING = (
    "select count(distinct pid) from pg_locks join pg_database on pg_database.oid = pg_locks.database"
    " where datname = current_database() and not granted"
)


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    """Yield a warehouse on a durable server, which the page requires."""
    with throwaway(durable=True) as server:
        migrate(server.url("owner", "warehouse"))
        yield Warehouse(server, "warehouse")


@pytest.fixture(scope="module")
def client(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Yield a client of an api-server with the page."""
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.web.page_server", str(port)],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
            "AIRFLOW_CONN_AGORA_WAREHOUSE": warehouse.url("loader"),
        },
    )
    # The server closes idle connections, which a request on a kept connection would find too late.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits) as client:
            _wait_until_up(client)
            yield client
    finally:
        server.terminate()
        server.wait()


def _wait_until_up(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            client.get("/api/v2/version")
            return
        except httpx.ConnectError:
            time.sleep(0.1)
    pytest.fail("The server did not start within a minute.")


def _wait_for_blocked_sessions(warehouse: Warehouse) -> int:
    """Wait until sessions wait for the lock, and return their number."""
    deadline = time.monotonic() + 60
    while not (waiting := int(warehouse.rows(WAITING)[0]["count"])):
        assert time.monotonic() < deadline, "no request reached the warehouse within a minute"
        time.sleep(0.1)
    return waiting


def test_a_locked_warehouse_does_not_block_airflow(warehouse: Warehouse, client: httpx.Client) -> None:
    with (
        warehouse.connect() as session,
        session.cursor() as cursor,
        ThreadPoolExecutor(REQUESTS) as browsers,
    ):
        cursor.execute("begin; lock table core.app_day, core.app, core.vendor_account, core.collection_run")
        futures = [
            browsers.submit(client.get, f"{PREFIX}/api/{ROUTES[number % len(ROUTES)]}")
            for number in range(REQUESTS)
        ]
        waiting = _wait_for_blocked_sessions(warehouse)
        own = client.get("/api/v2/version")
        unfinished = [each for each in futures if not each.done()]
        responses = [each.result() for each in futures]  # while the lock is still held
        cursor.execute("rollback")

    assert own.status_code == HTTPStatus.OK
    assert unfinished, "Airflow's own route responded last"
    assert 0 < waiting <= MAX_CONCURRENT_REQUESTS
    assert {response.status_code for response in responses} == {HTTPStatus.SERVICE_UNAVAILABLE}
    assert all(int(response.headers["Retry-After"]) > 0 for response in responses)
    details = {response.json()["detail"] for response in responses}
    assert any("kept a statement waiting for a lock for too long" in each for each in details)
    assert any(f"waited {MAX_WAIT_SECONDS} s" in each for each in details)
    assert client.get(f"{PREFIX}/api/coverage").status_code == HTTPStatus.OK, "the page works again"


def test_every_response_has_the_security_headers(client: httpx.Client) -> None:
    responses = [
        client.request(verb, PREFIX + path)
        for verb, path in [
            ("GET", "/"),
            ("GET", "/assets/frame/main.js"),
            ("GET", "/assets/plotly.min.js"),
            ("GET", "/assets/no.js"),
            ("GET", "/api/months"),
            ("GET", "/api/bill?month=2026-13"),
            ("GET", "/api/broken"),
            ("PUT", "/api/bill"),
        ]
    ]
    assert {response.status_code for response in responses} == {200, 401, 422, 500}
    for response in responses:
        assert response.headers["X-Content-Type-Options"] == "nosniff", response.url
        assert response.headers["X-Frame-Options"] == "SAMEORIGIN", response.url
        policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == "'self'"
        assert policy["frame-ancestors"] == "'self'"
