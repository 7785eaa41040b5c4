"""The first night of an installation: connected to the sandbox, it collects the month on two workers."""

from __future__ import annotations

from tests.distributed.live import DAILY, Live
from tests.distributed.plain import PARTS, workers


def test_the_first_run_collects_the_month(session_live: Live) -> None:
    run = session_live.scheduled_run()

    assert run.state == "success", run.note
    assert session_live.collected() == session_live.truth()


def test_both_workers_collect_if_there_is_enough_work(live: Live) -> None:
    # Twice as many batches as one worker runs at a time.
    with live.accounts(4):
        run = live.run_on(workers(2))

    assert run.state == "success", run.note
    assert live.collected() == live.truth()


def test_stored_points_match_the_vendor(live: Live) -> None:
    run = live.trigger(DAILY)

    assert run.state == "success", run.note
    assert live.collected() == live.truth()


def test_an_existing_account_is_not_replaced_by_the_sandbox(live: Live) -> None:
    before = live.metadata("select * from connection order by conn_id")
    live.metadata("update connection set description = 'ours' where conn_id = 'agora_dashboard'")
    try:
        refused = live.installation.run("sandbox-account")
    finally:
        live.metadata(
            "update connection set description = 'The sandbox API.' where conn_id = 'agora_dashboard'"
        )

    assert refused.returncode == 1
    assert "The connection agora_dashboard already has an account" in refused.stderr
    assert live.metadata("select * from connection order by conn_id") == before


def test_health_checks_distinguish_running_from_stopped_services(live: Live) -> None:
    installation = live.installation
    hosts = ("redis", *PARTS, *workers(2))
    assert set(live.api.health().values()) == {"healthy"}
    assert [host for host in hosts if not installation.is_healthy(host)] == []

    installation.kill("worker-2")
    installation.stop("api-server", "dag-processor")

    dead = ["api-server", "dag-processor", "worker-2"]
    assert [host for host in hosts if not installation.is_healthy(host)] == dead
