"""Replaying stored responses and deleting old ones through Airflow, as users do."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.stack.stack import LiveStack
from tests.warehouse.database import NO_POINTS

BACKFILL = "agora_bandwidth_backfill"
REPLAY = "agora_bandwidth_replay"
RETENTION = "agora_bandwidth_retention"


def test_a_replay_decodes_stored_responses_without_requests(live: LiveStack) -> None:
    day = str(live.today - timedelta(days=3))
    live.trigger(BACKFILL, {"from_date": day, "to_date": day})
    live.sandbox("POST", "stats/reset")
    days = {"from_date": day, "to_date": day}

    unchanged = live.trigger(REPLAY, days)
    assert unchanged.state == "success"
    assert set(unchanged.by_task().values()) == {"success"}
    assert (
        "Decoded the stored responses of 20 app-days again: 20 with 5,760 points; changed 0."
        in unchanged.note
    )

    # Simulate a faulty decoder that rejected every response.
    live.sql(f"update core.app_day set state = 'rejected', reason = 'mistaken', {NO_POINTS}")
    app_id = live.app_ids[0]
    changed = live.trigger(REPLAY, {**days, "app_ids": [app_id]})
    assert set(changed.by_task().values()) == {"success"}
    assert "Decoded the stored responses of 1 app-day again: 1 with 288 points; changed 1." in changed.note
    assert live.sql("select state, count(*) from core.app_day group by 1 order by 1") == [
        ("collected", 1),
        ("rejected", 19),
    ]
    assert live.sql("select count(*) from core.fresh_month_p95") == [(1,)]
    events = live.call("GET", "/api/v2/assets/events?order_by=-timestamp&limit=2")["asset_events"]
    assert [event["source_dag_id"] for event in events] == [REPLAY, BACKFILL], (
        "an unchanged replay has no event"
    )
    assert {name: events[0]["extra"][name] for name in ("app_days", "points", "changed")} == {
        "app_days": 1,
        "points": 288,
        "changed": 1,
    }
    assert live.sandbox("GET", "stats")["requests"] == 0


def test_a_replay_moves_stored_days_to_a_corrected_time_zone_only_on_request(live: LiveStack) -> None:
    day = str(live.today - timedelta(days=3))
    live.set_apps(live.app_ids[:2])
    live.trigger(BACKFILL, {"from_date": day, "to_date": day})
    live.sandbox("POST", "stats/reset")
    before = live.sql("select app_key, starts_at, kbps from core.app_day order by 1")
    set_zone(live, "Asia/Shanghai")
    try:
        unmoved = live.trigger(REPLAY, {"from_date": day, "to_date": day})
        assert set(unmoved.by_task().values()) == {"success"}, unmoved.note
        assert live.sql("select app_key, starts_at, kbps from core.app_day order by 1") == before

        moved = live.trigger(REPLAY, {"from_date": day, "to_date": day, "correct_zone": True})
    finally:
        set_zone(live, "UTC")

    assert (moved.state, set(moved.by_task().values())) == ("success", {"success"}), moved.note
    assert "Decoded the stored responses of 2 app-days again: 2 with 576 points; changed 2." in moved.note
    assert live.sql("select app_key, starts_at, kbps from core.app_day order by 1") == [
        (app_key, starts_at - timedelta(hours=8), kbps) for app_key, starts_at, kbps in before
    ]
    assert (
        live.sql("select moved_by, points_changed from mart.restatement", "analyst")
        == [(timedelta(hours=-8), 288)] * 2
    )
    assert live.sandbox("GET", "stats")["requests"] == 0


def set_zone(live: LiveStack, timezone: str) -> None:
    """Set the time zone of the connection `agora_dashboard`."""
    path = "/api/v2/connections/agora_dashboard"
    connection = live.call("GET", path)
    extra = {**json.loads(connection["extra"] or "{}"), "timezone": timezone}
    live.call(
        "PATCH",
        f"{path}?update_mask=extra",
        {
            "connection_id": "agora_dashboard",
            "conn_type": "agora_dashboard",
            "extra": json.dumps(extra),
        },
    )


def test_retention_deletes_nothing_unless_configured(live: LiveStack) -> None:
    live.sql(
        "insert into raw.bandwidth_response (app_id, usage_date, fetched_at, http_status, body, body_sha256)"
        " select 'nobody', current_date - 200, now(), 404, '', sha256('')"
    )
    run = live.trigger(RETENTION)
    assert (run.state, run.by_task()) == (
        "success",
        {"check_points": "success", "delete_old_data": "success"},
    )
    assert run.note.startswith("Result: Nothing was deleted: the variable agora_retention is not set.\n")
    assert live.sql("select count(*) from raw.bandwidth_response") == [(1,)]

    variable = {"key": "agora_retention", "value": '{"raw_answer_days": 100}'}
    live.call("POST", "/api/v2/variables", variable)
    try:
        run = live.trigger(RETENTION)
    finally:
        live.call("DELETE", "/api/v2/variables/agora_retention")
    assert run.state == "success"
    assert run.note.startswith("Result: Deleted 1 raw response and 0 app-days.\nCompared the points of ")
    assert live.sql("select count(*) from raw.bandwidth_response") == [(0,)]
