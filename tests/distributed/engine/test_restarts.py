"""Restarts, and down and up, keep all data. These tests take minutes: `make test-distributed FULL=1`."""

from __future__ import annotations

import pytest

from tests.distributed.engine.installation import SERVICES, Installation
from tests.distributed.engine.test_life import wait_for_first_run

pytestmark = pytest.mark.full
RUNS = "select dag_id, run_id, state, start_date, end_date from dag_run order by id"


def test_every_service_can_be_restarted(installation: Installation) -> None:
    wait_for_first_run(installation)
    month = installation.points()
    for service in SERVICES:
        installation.compose("restart", service, seconds=700)
        installation.wait(installation.is_healthy, f"health after the restart of {service}", 240)
    assert installation.wait_for_run(installation.trigger()) == "success"
    assert installation.points() == month


def test_redis_starts_beside_the_files_that_release_1_0_0_wrote_as_root(installation: Installation) -> None:
    as_root = ("--user", "root", "--cap-add", "CHOWN", "--cap-add", "DAC_OVERRIDE")
    command = ("sh", "-c", "mkdir -p appendonlydir && chown -R root: appendonlydir")
    installation.compose("run", "--rm", "--no-deps", *as_root, "redis", *command)
    installation.compose("restart", "redis")
    installation.wait(installation.is_healthy, "health after the restart of redis", 240)


def test_down_and_up_keep_all_data_and_add_workers(installation: Installation) -> None:
    wait_for_first_run(installation)
    month, bills = installation.points(), installation.sql("select * from mart.billing_monthly order by 1, 2")
    runs = installation.sql(RUNS, "airflow")

    installation.compose("down", seconds=700)
    assert installation.containers() == []
    installation.up("--scale", "worker=4")

    assert len(installation.ids("worker")) == 4
    assert installation.points() == month
    assert installation.sql("select * from mart.billing_monthly order by 1, 2") == bills
    assert installation.sql(RUNS, "airflow")[: len(runs)] == runs
    assert installation.wait_for_run(installation.trigger()) == "success"
    assert installation.points() == month
