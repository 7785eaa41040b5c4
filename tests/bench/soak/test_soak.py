"""The soak's clock and comparison, without Airflow."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bandwidth.collect.night import Night, night_of
from tests.bench.soak.clock import Clock
from tests.bench.soak.points import Comparison, Vendor
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

WAITS = """
import multiprocessing, sys, threading, time
from datetime import UTC, datetime
print(datetime.now(UTC).isoformat(), flush=True)
sys.stdin.readline()
print(datetime.now(UTC).isoformat(), flush=True)
time.sleep(0.01)
threading.Event().wait(0.01)
multiprocessing.Semaphore(0).acquire(timeout=0.01)
print("waited", flush=True)
"""

needs_compiler = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None, reason="The clock needs Linux and a C compiler."
)


@needs_compiler
def test_a_running_process_sees_the_clock_jump_and_its_waits_end(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    clock.set(clock.now() + timedelta(days=3))
    with subprocess.Popen(
        [sys.executable, "-c", WAITS],
        env=clock.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout
        before = datetime.fromisoformat(child.stdout.readline().strip())
        clock.set(clock.now() + timedelta(days=4))
        try:
            printed, _ = child.communicate("\n", timeout=60)
        finally:
            child.kill()
    after = datetime.fromisoformat(printed.splitlines()[0])
    assert printed.splitlines()[1:] == ["waited"]
    assert before - datetime.now(UTC) > timedelta(days=2)
    assert after - before >= timedelta(days=4)


@needs_compiler
def test_the_clock_does_not_go_back(tmp_path: Path) -> None:
    clock = Clock(tmp_path)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.set(clock.now() - timedelta(minutes=1))


@pytest.fixture
def collected(warehouse: Warehouse) -> Iterator[tuple[Vendor, Night]]:
    with running_sandbox(apps=2, window="4 days", quiet=True) as sandbox:
        vendor = Vendor(sandbox)
        night = night_of(sandbox, warehouse, sandbox.app_ids, window="4 days")
        vendor.restate([(sandbox.app_ids[0], day(1))])
        vendor.withhold([(sandbox.app_ids[1], day(2))])
        night.run()
        yield vendor, night


def day(back: int) -> date:
    return datetime.now(UTC).date() - timedelta(days=back)


def compare(vendor: Vendor, night: Night) -> Comparison:
    def sql(statement: str) -> list[tuple[Any, ...]]:
        with night.warehouse.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    return vendor.compare(sql)


def test_restated_and_withheld_points_are_expected(collected: tuple[Vendor, Night]) -> None:
    found = compare(*collected)
    assert found.is_sound, found
    assert found.points == found.app_days * 288 - 12


def test_points_that_the_warehouse_lacks_are_missing(collected: tuple[Vendor, Night]) -> None:
    vendor, night = collected
    vendor.withhold([])
    assert compare(vendor, night).missing == 12


def test_restatements_that_were_not_collected_differ(collected: tuple[Vendor, Night]) -> None:
    vendor, night = collected
    vendor.restate([(vendor.sandbox.app_ids[0], day(3))])
    assert compare(vendor, night).differing > 100


def test_points_that_the_vendor_withholds_are_unexpected(collected: tuple[Vendor, Night]) -> None:
    vendor, night = collected
    vendor.withhold([(vendor.sandbox.app_ids[0], day(2)), (vendor.sandbox.app_ids[1], day(2))])
    assert compare(vendor, night).unexpected == 12
