"""Chosen days: the backfill DAG, and Airflow's own backfill of the nightly one."""

from __future__ import annotations

import time
from datetime import timedelta
from urllib.error import HTTPError

import pytest

from agora.bandwidth.window import expected_oldest_day
from embedded.airflow_api import ApiError
from tests.dags.stack import LiveStack

DAILY = "agora_bandwidth_daily"
BACKFILL = "agora_bandwidth_backfill"


def test_days_inside_are_collected_and_days_outside_are_lost_with_the_vendors_words(live: LiveStack) -> None:
    yesterday = live.today - timedelta(days=1)
    oldest = expected_oldest_day("1 month", live.today)
    first = live.today - timedelta(days=45)

    run = live.trigger(BACKFILL, {"from_date": str(first), "to_date": str(yesterday)})

    assert run.state == "success", run.note
    inside, outside = (live.today - oldest).days, (oldest - first).days
    states = live.sql("select state, count(*), min(usage_date), max(usage_date) from core.app_day group by 1")
    assert sorted(states) == [
        ("collected", 20 * inside, oldest, yesterday),
        ("lost", 20 * outside, first, oldest - timedelta(days=1)),
    ]
    ((reason,),) = live.sql("select distinct reason from core.app_day where state = 'lost'")
    assert "HTTP 400" in reason
    assert live.sandbox("GET", "stats")["by_status"]["400"] <= 6
    assert reason[:60] in run.note


def test_a_run_whose_days_are_all_outside_ends_as_skipped(live: LiveStack) -> None:
    day = str(live.today - timedelta(days=40))

    run = live.trigger(BACKFILL, {"from_date": day, "to_date": day})

    assert run.state == "success"
    assert run.states("plan") == ["skipped"]
    assert "outside the vendor's window" in run.note
    assert "outside the vendor's window" in live.log_of(run, "plan")


def test_only_the_chosen_apps_are_collected_and_reload_asks_again(live: LiveStack) -> None:
    day = str(live.today - timedelta(days=3))
    chosen = live.app_ids[:2]
    conf = {"from_date": day, "to_date": day, "app_ids": chosen}
    assert live.trigger(BACKFILL, conf).state == "success"
    assert live.sql("select count(*) from core.app_day") == [(2,)]
    live.sandbox("POST", "stats/reset")
    live.trigger(BACKFILL, conf)
    assert live.sandbox("GET", "stats")["requests"] == 0

    live.sandbox("PUT", "faults", [{"app_id": chosen[0], "kind": "restate", "factor": 2}])
    run = live.trigger(BACKFILL, {**conf, "reload": True})

    assert run.state == "success"
    assert "1 app-day changed" in run.note
    assert live.sandbox("GET", "stats")["by_app"].keys() == set(chosen)


@pytest.mark.parametrize(
    ("conf", "message"),
    [
        ({"from_date": "{later}", "to_date": "{day}"}, "swap the two"),
        (
            {"from_date": "{day}", "to_date": "{day}", "app_ids": ["nobody"]},
            "add it to the variable agora_apps",
        ),
        ({"from_date": "{today}", "to_date": "{today}"}, "not over yet"),
    ],
)
def test_parameters_that_make_no_sense_fail_with_a_sentence(
    live: LiveStack, conf: dict[str, object], message: str
) -> None:
    days = {
        "{day}": str(live.today - timedelta(days=5)),
        "{later}": str(live.today - timedelta(days=2)),
        "{today}": str(live.today),
    }
    run = live.trigger(BACKFILL, {name: days.get(str(value), value) for name, value in conf.items()})

    assert run.state == "failed"
    assert message in live.log_of(run, "plan")
    assert [t["try_number"] for t in run.tasks if t["task_id"] == "collect_bandwidth.plan"] == [1]


def test_the_form_refuses_what_is_no_date(live: LiveStack) -> None:
    with pytest.raises((ApiError, HTTPError), match="400"):
        live.trigger(BACKFILL, {"from_date": "yesterday", "to_date": "today"})


def test_airflows_own_backfill_collects_exactly_its_days(live: LiveStack) -> None:
    oldest = expected_oldest_day("1 month", live.today)
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
    runs = [live.ended(DAILY, run_id) for run_id in sorted(created)]

    assert [run.state for run in runs] == ["success"] * 4
    assert live.sql("select usage_date, state, count(*) from core.app_day group by 1, 2 order by 1") == [
        (oldest - timedelta(days=2), "lost", 20),
        (oldest - timedelta(days=1), "lost", 20),
        (oldest, "collected", 20),
        (oldest + timedelta(days=1), "collected", 20),
    ]
    assert sorted(run.states("plan")[0] for run in runs) == ["skipped", "skipped", "success", "success"]
    assert live.sandbox("GET", "stats")["by_status"]["400"] <= 6
