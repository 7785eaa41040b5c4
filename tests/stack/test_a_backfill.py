"""Collecting chosen days: the backfill DAG, and Airflow's own backfill of the nightly DAG."""

from __future__ import annotations

import time
from datetime import timedelta
from urllib.error import HTTPError

import pytest

from agora.bandwidth.window import oldest_day
from deploy.local.airflow_api import ApiError
from tests.stack.stack import LiveStack, Run

DAILY = "agora_bandwidth_daily"
BACKFILL = "agora_bandwidth_backfill"


def test_days_outside_the_window_are_reported_as_refused_and_not_expected(live: LiveStack) -> None:
    yesterday = live.today - timedelta(days=1)
    oldest = oldest_day("1 month", live.today)
    first = live.today - timedelta(days=45)

    run = live.trigger(BACKFILL, {"from_date": str(first), "to_date": str(yesterday)})

    assert run.state == "success", run.note
    inside, outside = (live.today - oldest).days, (oldest - first).days
    found = live.sql("select state, count(*), min(usage_date), max(usage_date) from mart.coverage group by 1")
    assert found == [("collected", 20 * inside, oldest, yesterday)]
    refused = live.sandbox("GET", "stats")["by_status"]["400"]
    assert outside <= refused <= 3 * outside + 1, (
        "a few of the twenty apps suffice to show that a date is refused"
    )
    ((state, http_status, count),) = live.sql(
        f"select state, http_status, count(*) from core.app_day where usage_date < '{oldest}' group by 1, 2"
    )
    # The planner's access check first requests one day, which the batch may request again.
    assert (state, http_status, refused - count in (0, 1)) == ("failed", 400, True)
    assert (
        f"{refused - 1:,} app-days refused as too old (HTTP 400);"
        f" {20 * outside - refused + 1:,} more not requested for that reason." in run.note
    )


def test_a_run_with_only_refused_days_succeeds_and_reports_them(live: LiveStack) -> None:
    day = str(live.today - timedelta(days=40))
    events = live.call("GET", "/api/v2/assets/events?limit=1")["total_entries"]

    run = live.trigger(BACKFILL, {"from_date": day, "to_date": day})

    assert run.state == "success"
    assert {task["state"] for task in run.tasks} == {"success"}
    assert "3 app-days refused as too old (HTTP 400); 17 more not requested for that reason." in run.note
    assert "refused as too old (HTTP 400)" in live.log_of(run, "collect")
    assert live.call("GET", "/api/v2/assets/events?limit=1")["total_entries"] == events
    assert live.sql(f"select count(*) from mart.coverage where usage_date <= '{day}'") == [(0,)]
    assert live.sql("select count(*) from mart.coverage where state = 'lost'") == [(0,)]


def test_only_chosen_apps_are_collected_and_reload_requests_them_again(live: LiveStack) -> None:
    day = str(live.today - timedelta(days=3))
    chosen = live.app_ids[:2]
    live.set_apps([{"app_id": app_id, "collect_from": day} for app_id in live.app_ids])
    conf = {"from_date": day, "to_date": day, "app_ids": chosen}
    assert live.trigger(BACKFILL, conf).state == "success"
    assert live.sql("select count(*) from core.app_day") == [(2,)]
    live.sandbox("POST", "stats/reset")
    live.trigger(BACKFILL, conf)
    assert live.sandbox("GET", "stats")["requests"] == 0

    live.sandbox("PUT", "faults", [{"app_id": chosen[0], "kind": "restate", "factor": 0.25}])
    run = live.trigger(BACKFILL, {**conf, "reload": True})

    assert run.state == "success"
    assert "Requested 2 of 2 app-days; received 2 with 576 points; changed 1." in run.note
    assert live.sandbox("GET", "stats")["by_app"].keys() == set(chosen)
    assert_drop_is_reported_until_reviewed(live, run)


def assert_drop_is_reported_until_reviewed(live: LiveStack, run: Run) -> None:
    """Check that the run and the watch report a drop to less than half until it is reviewed."""
    ((name, day, moment),) = live.sql(
        "select app_name, usage_date, restated_at from mart.restatement"
        " where is_drop and reviewed_at is null",
        "analyst",
    )
    drop_message = f"The vendor restated 1 app-day to less than half: {name} on {day} (mean of "
    assert drop_message in run.note
    for _ in range(2):
        watched = live.trigger("agora_bandwidth_watch")
        assert drop_message in watched.note, "the drop is reported until it is reviewed"
    live.call("POST", "/agora/bandwidth/api/restatements/review", {"until": moment.isoformat()})
    assert drop_message not in live.trigger("agora_bandwidth_watch").note


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"from_date": "{later}", "to_date": "{day}"}, "Swap the two"),
        (
            {"app_ids": ["nobody"]},
            "No app has the App ID or name nobody",
        ),
        ({"from_date": "{today}"}, "not over yet"),
    ],
)
def test_an_invalid_selection_is_skipped_with_an_explanation(
    live: LiveStack, conf: dict[str, object], message: str
) -> None:
    days = {
        "{day}": str(live.today - timedelta(days=5)),
        "{later}": str(live.today - timedelta(days=2)),
        "{today}": str(live.today),
    }
    run = live.trigger(BACKFILL, {name: days.get(str(value), value) for name, value in conf.items()})

    assert run.state == "success", run.note
    assert (run.states("plan"), run.states("collect")) == (["skipped"], ["skipped"])
    assert run.note.startswith("Result: Skipped, nothing requested: ")
    assert message in run.note.splitlines()[0]
    assert live.sandbox("GET", "stats")["requests"] == 0


def test_apps_are_chosen_by_name_and_empty_dates_select_the_window(live: LiveStack) -> None:
    first, second, *_ = live.app_ids
    live.set_apps([{"app_id": first, "name": "Classroom"}, {"app_id": second, "name": "Support"}])

    run = live.trigger(BACKFILL, {"app_ids": ["classroom"]})

    assert run.state == "success", run.note
    found = live.sql(
        "select app_id, count(*), min(usage_date), max(usage_date) from mart.coverage"
        " where state = 'collected' group by 1",
        "analyst",
    )
    oldest = oldest_day("1 month", live.today)
    assert found == [(first, (live.today - oldest).days, oldest, live.today - timedelta(days=1))]


def test_the_form_rejects_values_that_are_not_dates(live: LiveStack) -> None:
    with pytest.raises((ApiError, HTTPError), match="400"):
        live.trigger(BACKFILL, {"from_date": "yesterday", "to_date": "today"})


def test_airflows_own_backfill_collects_exactly_its_days(live: LiveStack) -> None:
    oldest = oldest_day("1 month", live.today)
    first, last = oldest - timedelta(days=2), oldest + timedelta(days=1)

    path = f"/api/v2/dags/{DAILY}/dagRuns?run_type=backfill"
    earlier = {run["dag_run_id"] for run in live.call("GET", path)["dag_runs"]}
    live.airflow_cli(
        *("backfill", "create", "--dag-id", DAILY, "--max-active-runs", "4"),
        *("--from-date", str(first), "--to-date", str(last)),
    )
    deadline = time.monotonic() + 60
    created: set[str] = set()
    while len(created) < 4 and time.monotonic() < deadline:
        time.sleep(0.5)
        created = {run["dag_run_id"] for run in live.call("GET", path)["dag_runs"]} - earlier
    runs = [live.wait_for_run(DAILY, run_id) for run_id in sorted(created)]

    assert [run.state for run in runs] == ["success"] * 4
    found = live.sql("select usage_date, state, count(*) from core.app_day group by 1, 2 order by 1")
    assert found[2:] == [(oldest, "collected", 20), (oldest + timedelta(days=1), "collected", 20)]
    for age, (usage_date, state, count) in zip((2, 1), found[:2], strict=True):
        assert (usage_date, state) == (oldest - timedelta(days=age), "failed")
        assert count in (3, 4), "a few of the twenty apps suffice to show that a date is refused"
    assert {task["state"] for run in runs for task in run.tasks} == {"success"}
    assert live.sql(f"select count(*) from mart.coverage where usage_date < '{oldest}'") == [(0,)]
    assert live.sandbox("GET", "stats")["by_status"]["400"] <= 8
