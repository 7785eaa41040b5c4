"""The nightly DAG: the data it collects and the results it reports."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from urllib.parse import quote

import pytest

from agora.bandwidth.window import oldest_day
from tests.stack.stack import LiveStack, Run

DAILY = "agora_bandwidth_daily"
DAY = timedelta(days=1)


def recorded_counts(live: LiveStack, run: Run) -> dict[str, int]:
    """Return a run's nonzero counts from mart.collection_run."""
    ((row,),) = live.sql(
        f"select to_jsonb(run) from mart.collection_run as run where run.run_id = '{run.run_id}'", "analyst"
    )
    assert row["started_at"] < row["ended_at"]
    return {name: count for name, count in row.items() if isinstance(count, int) and count}


def test_unpausing_the_dag_starts_its_scheduled_run(session_stack: LiveStack) -> None:
    run = session_stack.scheduled_run()
    assert run.state == "success", run.note
    runs = session_stack.call("GET", f"/api/v2/dags/{DAILY}/dagRuns?run_type=scheduled")["dag_runs"]
    for each in runs:
        first, last, due, queued = (
            datetime.fromisoformat(each[name])
            for name in ("data_interval_start", "data_interval_end", "run_after", "queued_at")
        )
        assert (first.time(), last - first, due - last) == (time(), DAY, timedelta(minutes=90))
        assert timedelta() <= queued - due < DAY


def test_a_run_collects_and_reports_the_whole_window(live: LiveStack) -> None:
    days = (live.today - oldest_day("1 month", live.today)).days
    events = live.call("GET", "/api/v2/assets/events")["total_entries"]

    run = live.trigger(DAILY)

    assert run.state == "success", run.note
    assert live.sql("select count(*), sum(points) from mart.coverage where state = 'collected'") == [
        (20 * days, 288 * 20 * days)
    ]
    assert live.sql("select count(*) from mart.bandwidth_5min", "analyst") == [(288 * 20 * days,)]
    assert (
        f"Requested {20 * days:,} of {20 * days:,} app-days; received {20 * days:,} with"
        f" {288 * 20 * days:,} points; changed {20 * days:,}.\nState now: {20 * days:,} collected."
    ) in run.note
    labels = [t["rendered_map_index"] for t in run.tasks if t["map_index"] >= 0]
    assert labels
    assert all(label.startswith("agora_dashboard, ") and label.endswith(" app-days") for label in labels)
    newest = live.call("GET", "/api/v2/assets/events?order_by=-timestamp&limit=1")
    assert newest["total_entries"] == events + 1
    extra = newest["asset_events"][0]["extra"]
    assert (extra["app_days"], extra["changed"], extra["points"]) == (20 * days, 20 * days, 288 * 20 * days)
    assert extra["states"] == {"collected": 20 * days}
    assert recorded_counts(live, run) == {
        "app_days": 20 * days,
        "app_days_received": 20 * days,
        "points_received": 288 * 20 * days,
        "app_days_changed": 20 * days,
        "requests": 20 * days,
        "collected": 20 * days,
    }
    assert live.sql("select count(*) from core.changed_app_day") == [(0,)]
    assert live.sql("select count(*) from core.fresh_day_sum where billing_group = ''") == [(days,)]


@pytest.mark.slow
def test_a_second_run_requests_nothing_and_changes_no_row(live: LiveStack) -> None:
    rows = (
        "select md5(string_agg(d::text || d.xmin::text, '' order by app_key, usage_date)) from core.app_day d"
    )
    live.trigger(DAILY)
    before = live.sql(rows)
    live.sandbox("POST", "stats/reset")
    events = live.call("GET", "/api/v2/assets/events")["total_entries"]

    run = live.trigger(DAILY)

    assert run.state == "success", run.note
    assert live.sql(rows) == before
    assert live.sandbox("GET", "stats")["requests"] == 0
    assert {task["state"] for task in run.tasks} == {"success"}
    assert live.call("GET", "/api/v2/assets/events")["total_entries"] == events
    assert "nothing is missing" in run.note


@pytest.mark.slow
def test_sound_responses_are_loaded_and_the_run_fails_with_the_failed_apps(live: LiveStack) -> None:
    app_ids = live.app_ids
    unknown, broken = "f" * 32, app_ids[3]
    live.set_apps([*app_ids, {"app_id": unknown, "name": "misspelt"}])
    live.sandbox("PUT", "faults", [{"app_id": broken, "kind": "status", "status": 500}])

    run = live.trigger(DAILY)

    assert run.state == "failed"
    assert set(run.states("publish")) == {"success"}
    assert "2 apps failed" in run.note
    counts = recorded_counts(live, run)
    stats = live.sandbox("GET", "stats")
    days = counts["app_days"] // 21
    assert counts["retries"] == sum(stats["by_app"][broken].values()) - days > 0
    assert counts["requests"] == stats["requests"]
    assert (counts["failed_apps"], counts["collected"]) == (2, 19 * days)
    # The unknown app is not requested for every day. Its remaining days have no ledger entry.
    assert (counts["failed"] + counts["pending"], counts["failed"] < 2 * days) == (2 * days, True)
    assert counts["app_days_received"] == counts["app_days_changed"] == 19 * days
    assert counts["points_received"] == 288 * 19 * days
    ((problems,),) = live.sql(f"select problems from mart.collection_run where run_id = '{run.run_id}'")
    headline, *reasons = problems.splitlines()
    assert run.note.startswith(f"Result: {headline}\nRequested ")
    assert headline.startswith("2 apps failed. All sound responses are loaded;")
    assert [reason[:34] for reason in reasons] == [f"- {app_id}" for app_id in sorted([unknown, broken])]
    assert unknown in run.note
    assert broken in run.note
    incomplete = live.sql("select distinct app_id from mart.coverage where state <> 'collected'", "analyst")
    assert {app_id for (app_id,) in incomplete} == {unknown, broken}
    log = live.log_of(run, "collect", "failed")
    assert "HTTP 404" in log
    assert "HTTP 500" in log

    live.set_apps(app_ids)
    live.sandbox("PUT", "faults", [])
    live.sandbox("POST", "stats/reset")
    fixed = live.trigger(DAILY)

    assert fixed.state == "success", fixed.note
    stats = live.sandbox("GET", "stats")
    # The removed app is requested again, because its days may still be available. Its failure does not count.
    assert (set(stats["by_app"]), stats["by_status"]["404"] > 0) == ({broken}, True)
    assert "1 removed app failed too: misspelt" in fixed.note
    assert "1 of 21 apps were removed from the variable agora_apps." in fixed.note
    assert recorded_counts(live, fixed).get("failed_apps", 0) == 0
    assert live.sql(
        "select count(*) from mart.coverage where state <> 'collected' and app_id <> '" + unknown + "'"
    ) == [(0,)]


def add_known_apps(live: LiveStack, conn_id: str, app_ids: list[str]) -> None:
    """Insert apps into the warehouse, as an earlier run would have."""
    live.sql(
        "insert into core.vendor_account (conn_id, timezone, window_length)"
        f" values ('{conn_id}', 'UTC', interval '1 month') on conflict do nothing"
    )
    values = ", ".join(f"('{app_id}', 'Name of {app_id[:6]}')" for app_id in app_ids)
    live.sql(
        f"insert into core.app (app_id, name, conn_id, wanted) select app_id, name, '{conn_id}',"
        " datemultirange(daterange(current_date - 10, null))"
        f" from (values {values}) as app (app_id, name)"
    )


@pytest.mark.slow
def test_apps_of_a_removed_account_are_expected_until_yesterday(live: LiveStack) -> None:
    add_known_apps(live, "agora_gone", ["gone"])
    add_known_apps(live, "agora_dashboard", live.app_ids[:4])
    live.set_apps(since_yesterday(live, live.app_ids[:4]))

    run = live.trigger(DAILY)

    assert run.state == "success", run.note
    assert (
        "1 of 5 apps were removed from the variable agora_apps. Its days from today on are no longer"
        " expected."
        "\n- Removed: Name of gone." in run.note
    )
    assert live.sql("select upper(wanted), removed_on from core.app where app_id = 'gone'") == [
        (live.today, live.today)
    ]


@pytest.mark.slow
def test_removed_apps_fail_one_run_which_still_collects_the_remaining_apps(
    live: LiveStack,
) -> None:
    remaining, *removed = live.app_ids
    add_known_apps(live, "agora_dashboard", [remaining, *removed])
    live.set_apps(since_yesterday(live, [remaining]))
    events = live.call("GET", "/api/v2/assets/events?limit=1")["total_entries"]

    run = live.trigger(DAILY)

    assert run.state == "failed"
    assert sorted(run.states("collect")) == ["failed", "success"]
    assert run.states("publish") == ["success"]
    assert max(task["try_number"] for task in run.tasks) == 1
    assert run.note.startswith("Result: 19 of 20 apps were removed from the variable agora_apps.")
    assert run.note.count("removed from the variable") == 1
    assert all(f"Name of {app_id[:6]}" in run.note for app_id in removed)
    assert "docs/runbook.md#apps-removed" in run.note.splitlines()[0]
    assert "Requested " in run.note
    assert live.call("GET", "/api/v2/assets/events?limit=1")["total_entries"] == events + 1
    ((problems,),) = live.sql(f"select problems from mart.collection_run where run_id = '{run.run_id}'")
    assert "19 of 20 apps were removed" in problems
    assert live.sql("select count(*) from core.app_day where state = 'collected'")[0][0] > 0

    # Missing days of removed apps are still collected, and the removal is reported only once.
    again = live.trigger(DAILY)

    assert again.state == "success", again.note
    assert "removed from the variable" not in again.note


def since_yesterday(live: LiveStack, app_ids: list[str]) -> list[dict[str, str]]:
    """Return a configuration in which each app's first expected day is yesterday."""
    yesterday = str(live.today - DAY)
    return [{"app_id": app_id, "collect_from": yesterday} for app_id in app_ids]


@pytest.mark.slow
def test_a_failed_check_is_named_and_no_asset_event_is_published(live: LiveStack) -> None:
    live.set_apps(live.app_ids[:1])
    live.trigger(DAILY)
    live.sql("update raw.bandwidth_response set body_sha256 = sha256('tampered with')")
    before = live.call("GET", "/api/v2/assets/events?limit=1")["total_entries"]
    live.set_apps(live.app_ids[:2])

    run = live.trigger(DAILY)

    assert run.state == "failed"
    assert run.states("publish") == ["skipped"]
    assert (
        "contradicts itself: the check points_have_their_raw_response failed"
        " (every_collected_day_has_its_raw_response, every_raw_response_has_the_digest_of_its_body)."
        in run.note
    )
    assert live.call("GET", "/api/v2/assets/events?limit=1")["total_entries"] == before
    assert live.sql(
        "select count(*) from core.app where app_id in (select app_id from mart.bandwidth_daily)"
    ) == [(2,)]


@pytest.mark.slow
def test_a_cleared_run_reports_only_its_latest_results(live: LiveStack) -> None:
    run = live.trigger(DAILY)
    path = f"/api/v2/dags/{DAILY}/dagRuns/{quote(run.run_id)}"
    live.call("PATCH", f"{path}?update_mask=note", {"note": f"seen by me\n{run.note}"})
    live.call("POST", f"{path}/clear", {"dry_run": False})

    again = live.wait_for_run(DAILY, run.run_id)

    assert again.note == "Result: agora_dashboard: nothing is missing.\n\nseen by me"
    assert recorded_counts(live, again) == {}
