"""The connection to the warehouse breaks: the line, the backend or the server, briefly or for long."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from agora.bandwidth import fetch
from agora.warehouse.roles import SUPERUSER
from tests.chaos.warehouse_cuts import cut_at_random
from tests.chaos.warehouse_faults import Site, site

CUTS = 6
TRIES = 5
# A terminated idle session is replaced without an error.
AT_WORK = "from pg_stat_activity where usename = 'loader' and state <> 'idle'"
TERMINATE = f"select count(pg_terminate_backend(pid)) {AT_WORK}"


@pytest.fixture(scope="module")
def module_site() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture
def harmed(module_site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(fetch, "CHUNK_SECONDS", 0.05)  # many commits, so that the fault comes between them
    module_site.reset()
    return module_site


def test_a_line_cut_at_any_byte_leaves_complete_app_days_and_the_next_run_closes_gaps(
    harmed: Site,
) -> None:
    assert cut_at_random(harmed, random.Random(7), CUTS, lambda _: None) > 0


def test_a_terminated_backend_leaves_complete_app_days_and_the_next_run_closes_the_gaps(harmed: Site) -> None:
    def terminate(run: threading.Thread) -> None:
        # A session whose statement has just ended is replaced without an error, so one is not always enough.
        ended = 0
        with harmed.warehouse.connect(SUPERUSER) as connection, connection.cursor() as cursor:
            while run.is_alive():
                cursor.execute(TERMINATE)
                ended += cursor.fetchall()[0][0]
        assert ended > 0, "no session was at work"

    message = run_and_harm(harmed, terminate)

    assert "is being stopped or started" in message or "closed the connection" in message
    assert harmed.assert_nothing_is_lost() > 0
    harmed.assert_the_next_run_closes_every_gap()


def test_a_server_restarted_during_a_run_keeps_what_it_acknowledged(harmed: Site) -> None:
    message = run_and_harm(harmed, lambda _: harmed.warehouse.server.restart())

    assert "is being stopped or started" in message or "closed the connection" in message
    assert harmed.assert_nothing_is_lost() > 0
    harmed.assert_the_next_run_closes_every_gap()


def test_runs_fail_without_requests_until_the_warehouse_is_up_again(
    harmed: Site,
) -> None:
    harmed.warehouse.server.stop()
    harmed.sandbox.reset_stats()
    try:
        for _ in range(TRIES):
            assert "does not respond" in harmed.fails()
        assert harmed.sandbox.stats()["requests"] == 0
    finally:
        harmed.warehouse.server.start()
    harmed.assert_the_next_run_closes_every_gap()


def run_and_harm(harmed: Site, harm: Callable[[threading.Thread], object]) -> str:
    """Run, do the harm once some app-days are loaded, and return the run's error message."""
    messages: list[str] = []
    run = threading.Thread(target=lambda: messages.append(harmed.fails()))
    run.start()
    while run.is_alive() and not harmed.warehouse.rows("select 1 from core.app_day limit 1"):
        time.sleep(0.01)
    harmed.assert_nothing_is_lost()
    harm(run)
    run.join()
    assert messages, "the run did not fail as expected; see above"
    return messages[0]
