"""The life of an installation, in this order: the first month, both workers, a dead worker."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from tests.distributed.engine.installation import SERVICES, Installation

TASKS = "select hostname from task_instance where hostname <> ''"


def wait_for_first_run(installation: Installation) -> None:
    """Wait for the first run, which collects a month."""
    assert installation.wait_for_run(installation.first_run()) == "success"


def test_the_first_start_collects_a_month(installation: Installation) -> None:
    wait_for_first_run(installation)
    days = installation.app_days(datetime.now(UTC).date())
    assert installation.points()[1:] == (f"collected {days} {288 * days}",)
    assert installation.sql("select count(*) from mart.billing_monthly_total") != [("0",)]


def test_both_workers_take_tasks(installation: Installation) -> None:
    workers = {container[:12] for container in installation.ids("worker")}
    assert len(workers) == 2
    # The first worker to ask gets a task.
    for _ in range(5):
        used = {host for (host,) in installation.sql(TASKS, "airflow")}
        if used == workers:
            break
        installation.wait_for_run(installation.trigger())
    assert used == workers


# tests/distributed/test_killed_worker.py kills a worker outside a container.
@pytest.mark.full
def test_a_worker_killed_in_mid_batch_loses_nothing(installation: Installation) -> None:
    wait_for_first_run(installation)
    month = installation.points()
    installation.sql("truncate raw.bandwidth_response, core.vendor_account cascade")
    installation.sandbox("PUT", "faults", [{"kind": "delay", "seconds": 1}])
    run = installation.trigger()
    collecting = (
        "select hostname from task_instance where hostname <> '' "
        f"and task_id = 'collect_bandwidth.collect' and run_id = '{run}'"
    )
    arrived = "select count(*) from raw.bandwidth_response having count(*) > 0"

    installation.wait(
        lambda: installation.sql(arrived) and installation.sql(collecting, "airflow"),
        "responses to arrive",
        120,
    )
    ((victim,),) = installation.sql(collecting, "airflow")
    installation.engine.docker("kill", victim)
    installation.sandbox("PUT", "faults", [])

    assert installation.points() != month
    assert installation.wait_for_run(run) == "success"
    ((survivor,),) = installation.sql(collecting, "airflow")
    assert survivor != victim
    assert installation.points() == month
    installation.up()


def test_no_container_process_runs_as_root(installation: Installation) -> None:
    users = {
        service: {user for container in installation.ids(service) for user in installation.users(container)}
        for service in SERVICES
    }
    servers = {"postgres": {"999"}, "redis": {"999"}}
    assert users == {service: servers.get(service, {"50000"}) for service in SERVICES}


def test_containers_have_the_configured_limits_and_ports(installation: Installation) -> None:
    published = {}
    for container in installation.inspect():
        service = container["Config"]["Labels"]["com.docker.compose.service"]
        assert container["HostConfig"]["Memory"], service
        assert not container["HostConfig"]["Privileged"], service
        for bindings in filter(None, container["NetworkSettings"]["Ports"].values()):
            published[service] = {binding["HostIp"] for binding in bindings}
    assert published == {"api-server": {"127.0.0.1"}}


def test_health_check_output_contains_no_secret(installation: Installation) -> None:
    output = json.dumps([container["State"].get("Health") for container in installation.inspect()])
    assert [name for name, value in installation.secrets.items() if value in output] == []
