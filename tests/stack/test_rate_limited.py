"""If the vendor responds only with HTTP 429, a batch ends in bounded time and a later run continues."""

from __future__ import annotations

from datetime import timedelta

from tests.stack.stack import LiveStack, Run

DAILY = "agora_bandwidth_daily"


def problems(live: LiveStack, run: Run) -> str:
    ((text,),) = live.sql(
        f"select problems from mart.collection_run where run_id = '{run.run_id}'", "analyst"
    )
    return str(text)


def test_a_long_retry_after_ends_the_batch_and_holds_back_later_runs_until_it_passes(
    live: LiveStack,
) -> None:
    older, newer = (str(live.today - timedelta(days=days)) for days in (2, 1))
    live.set_apps([{"app_id": app_id, "collect_from": older} for app_id in live.app_ids[:4]])
    busy = {"kind": "status", "status": 429, "retry_after": 3600, "usage_date": newer}
    live.sandbox("PUT", "faults", [busy])

    limited = live.trigger(DAILY)  # waits for four minutes, not for an hour

    assert limited.state == "failed"
    assert limited.states("publish") == ["success"], "data received before is published"
    for text in (limited.note, problems(live, limited)):
        assert "Connection agora_dashboard: HTTP 429 from the vendor: " in text
        assert text.count("the vendor's Retry-After lasts until") == 1, "once, not once per app"
        assert "docs/runbook.md#rate-limited" in text
        assert "apps failed" not in text
    collected = "select usage_date::text, state = 'collected', count(*) from mart.coverage group by 1, 2"
    assert sorted(live.sql(collected)) == [(older, True, 4), (newer, False, 4)]
    assert live.sql(
        f"select limited > 0, app_days_received from mart.collection_run where run_id = '{limited.run_id}'"
    ) == [(True, 4)]

    # The vendor would respond now, but its Retry-After of an hour has not passed.
    live.sandbox("PUT", "faults", [])
    live.sandbox("POST", "stats/reset")
    waiting = live.trigger(DAILY)

    assert waiting.state == "failed"
    for text in (waiting.note, problems(live, waiting)):
        assert "Connection agora_dashboard: HTTP 429" in text
        assert "the vendor's Retry-After lasts until" in text
    assert live.sandbox("GET", "stats")["requests"] == 0

    live.sql("delete from core.request_pace")  # as if the hour were over
    recovered = live.trigger(DAILY)

    assert recovered.state == "success", recovered.note
    assert problems(live, recovered) == ""
    assert live.sql("select state, count(*) from mart.coverage group by 1") == [("collected", 8)]
