"""Each DAG's next run: in Airflow, in the Health view, in the warehouse, and after a wrong clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

import orjson
import pytest

from tests.stack.stack import LiveStack
from tests.stack.test_policy import EXAMPLE, SCHEDULED

DAG = "agora_bandwidth_daily"
FUTURE = "in the future"


def schedules_on_page(live: LiveStack) -> dict[str, dict[str, Any]]:
    """Return the schedules in the Health view, by DAG."""
    request = Request(  # noqa: S310 - our own server
        f"{live.stack.settings.ui_url}/agora/bandwidth/api/health",
        headers={"Authorization": f"Bearer {live.api._token}"},
    )
    with urlopen(request, timeout=60) as response:  # noqa: S310 - our own server
        return {each["dag_id"]: each for each in orjson.loads(response.read())["schedules"]}


def schedules_in_warehouse(live: LiveStack) -> dict[str, tuple[datetime, bool, bool]]:
    rows = live.sql("select dag_id, next_run_at, is_paused, is_late from mart.dag_schedule", "analyst")
    return {dag_id: (next_run_at, is_paused, is_late) for dag_id, next_run_at, is_paused, is_late in rows}


def next_run(live: LiveStack, dag_id: str = DAG) -> datetime:
    return datetime.fromisoformat(live.call("GET", f"/api/v2/dags/{dag_id}")["next_dagrun_run_after"])


def pause(live: LiveStack, *, is_paused: bool) -> None:
    live.call("PATCH", f"/api/v2/dags/{DAG}?update_mask=is_paused", {"is_paused": is_paused})


@pytest.fixture
def paused(live: LiveStack) -> Iterator[LiveStack]:
    live.trigger(DAG)
    pause(live, is_paused=True)
    yield live
    pause(live, is_paused=False)


@pytest.fixture
def wrong_clock(live: LiveStack) -> Iterator[LiveStack]:
    """Give the nightly DAG a run from a clock that was 45 days ahead, and move its next run accordingly."""
    live.metadata(
        "insert into dag_run (dag_id, run_id, run_type, state, logical_date, run_after, queued_at,"
        " data_interval_start, data_interval_end, log_template_id, clear_number, span_status, start_date,"
        " end_date, updated_at)"
        f" select dag_id, '{FUTURE}', run_type, 'success', logical_date + interval '45 days',"
        " run_after + interval '45 days', now(), data_interval_start + interval '45 days',"
        " data_interval_end + interval '45 days', log_template_id, 0, span_status, now(), now(), now()"
        f" from dag_run where dag_id = '{DAG}' and run_type = 'scheduled' order by run_after desc limit 1"
    )
    live.metadata(
        "update dag set next_dagrun = next_dagrun + interval '45 days',"
        " next_dagrun_create_after = next_dagrun_create_after + interval '45 days',"
        " next_dagrun_data_interval_start = next_dagrun_data_interval_start + interval '45 days',"
        " next_dagrun_data_interval_end = next_dagrun_data_interval_end + interval '45 days'"
        f" where dag_id = '{DAG}'"
    )
    yield live
    live.metadata(f"delete from dag_run where dag_id = '{DAG}' and run_id = '{FUTURE}'")


def test_every_schedule_is_shown_and_recorded(live: LiveStack) -> None:
    for dag_id in ("agora_bandwidth_daily", "agora_bandwidth_watch"):
        live.trigger(dag_id)
    shown, recorded = schedules_on_page(live), schedules_in_warehouse(live)
    assert sorted(shown) == sorted([*SCHEDULED, EXAMPLE])
    assert shown[EXAMPLE]["is_paused"], "the example DAG is paused by default"
    assert not any(schedule["is_late"] for schedule in shown.values())
    assert sorted(recorded) == sorted(SCHEDULED)
    for dag_id, (next_run_at, is_paused, is_late) in recorded.items():
        assert next_run_at == datetime.fromisoformat(shown[dag_id]["next_run_at"]) == next_run(live, dag_id)
        assert (is_paused, is_late) == (False, False)


def test_a_paused_nightly_dag_is_late(paused: LiveStack) -> None:
    assert schedules_on_page(paused)[DAG]["is_late"]
    assert schedules_on_page(paused)[DAG]["why"] == "The DAG is paused. Unpause it."
    run = paused.trigger("agora_bandwidth_watch")
    assert f"{DAG} is paused." in run.note
    assert schedules_in_warehouse(paused)[DAG][1:] == (True, True)


def test_a_next_run_in_45_days_is_late_until_airflow_parses_the_file_again(wrong_clock: LiveStack) -> None:
    shown = schedules_on_page(wrong_clock)[DAG]
    runs = f"/api/v2/dags/{DAG}/dagRuns?run_type=scheduled"
    before = wrong_clock.call("GET", runs)["total_entries"]
    if datetime.fromisoformat(shown["next_run_at"]) > datetime.now(UTC) + timedelta(days=2):
        assert shown["is_late"]
        assert "days away, but the DAG runs every day" in shown["why"]

    deadline = time.monotonic() + 120
    while next_run(wrong_clock) > datetime.now(UTC) + timedelta(days=1):
        assert time.monotonic() < deadline, "the next run is not corrected"
        time.sleep(1)
    for _ in range(40):  # longer than Airflow takes to parse the file again
        assert datetime.now(UTC) < next_run(wrong_clock) <= datetime.now(UTC) + timedelta(days=1)
        time.sleep(1)
    assert not schedules_on_page(wrong_clock)[DAG]["is_late"]
    assert wrong_clock.call("GET", runs)["total_entries"] == before, "no run is created twice"
