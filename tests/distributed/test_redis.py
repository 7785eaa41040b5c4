"""Redis restarts during a run."""

from __future__ import annotations

from tests.distributed.live import Live


def test_a_run_survives_a_redis_restart(live: Live) -> None:
    run_id = live.begin_slowly(seconds=1)

    live.installation.stop("redis")
    live.installation.start("redis")
    run = live.end(run_id)

    assert run.state == "success", run.note
    assert live.collected() == live.truth()
