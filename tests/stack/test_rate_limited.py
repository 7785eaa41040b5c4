"""An account that answers nothing but HTTP 429 ends its batch in bounded time, and a later run goes on."""

from __future__ import annotations

from datetime import timedelta

from tests.stack.stack import LiveStack, Run

DAILY = "agora_bandwidth_daily"


def problems(live: LiveStack, run: Run) -> str:
    ((said,),) = live.sql(
        f"select problems from mart.collection_run where run_id = '{run.run_id}'", "analyst"
    )
    return str(said)


def test_a_long_wait_ends_the_batch_is_honoured_by_the_next_run_and_then_all_is_collected(
    live: LiveStack,
) -> None:
    older, newer = (str(live.today - timedelta(days=days)) for days in (2, 1))
    live.set_apps([{"app_id": app_id, "collect_from": older} for app_id in live.app_ids[:4]])
    busy = {"kind": "status", "status": 429, "retry_after": 3600, "usage_date": newer}
    live.sandbox("PUT", "faults", [busy])

    limited = live.trigger(DAILY)  # which waits for four minutes, not for an hour

    assert limited.state == "failed"
    assert limited.states("publish") == ["success"], "what was received before is published"
    for said in (limited.note, problems(live, limited)):
        assert "Connection agora_dashboard: HTTP 429 from the vendor: " in said
        assert said.count("the vendor's Retry-After lasts until") == 1, "once, not once per app"
        assert "docs/runbook.md#rate-limited" in said
        assert "apps failed" not in said
    collected = "select usage_date::text, state = 'collected', count(*) from mart.coverage group by 1, 2"
    assert sorted(live.sql(collected)) == [(older, True, 4), (newer, False, 4)]
    assert live.sql(
        f"select limited > 0, app_days_received from mart.collection_run where run_id = '{limited.run_id}'"
    ) == [(True, 4)]

    # The vendor would answer now, but it asked for an hour.
    live.sandbox("PUT", "faults", [])
    live.sandbox("POST", "stats/reset")
    waiting = live.trigger(DAILY)

    assert waiting.state == "failed"
    for said in (waiting.note, problems(live, waiting)):
        assert "Connection agora_dashboard: HTTP 429" in said
        assert "the vendor's Retry-After lasts until" in said
    assert live.sandbox("GET", "stats")["requests"] == 0

    live.sql("delete from core.request_pace")  # as if the hour were over
    well = live.trigger(DAILY)

    assert well.state == "success", well.note
    assert problems(live, well) == ""
    assert live.sql("select state, count(*) from mart.coverage group by 1") == [("collected", 8)]
