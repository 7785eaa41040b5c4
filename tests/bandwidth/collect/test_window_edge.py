"""A 400 at the window's edge is not a failure, a 400 for a newer day is, and neither makes a day lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product as every

import pytest

from agora.bandwidth.plan import Days
from agora.bandwidth.window import EDGE_DAYS, PROBES_PER_DATE
from tests.bandwidth.collect.night import assert_collected, keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse, days_between

RULES = ("30 days", "31 days", "1 month")


# Days on which one month differs most from 30 or 31 days, and one on which two of the windows are equal.
@pytest.mark.parametrize("today", ["2026-03-01", "2026-03-30", "2026-03-31", "2026-05-31", "2026-11-22"])
def test_the_configured_window_may_differ_from_the_vendors(warehouse: Warehouse, today: str) -> None:
    noon = datetime.fromisoformat(f"{today}T12:00:00+00:00")
    for number, (ours, theirs) in enumerate(every(RULES, RULES)):
        with running_sandbox(apps=2, window=theirs, clock=noon, quiet=True, seed=number) as sandbox:
            # One account with its own apps for each combination, in the same warehouse.
            apps = [{"app_id": app_id, "conn_id": f"account_{number}"} for app_id in sandbox.app_ids]
            night = night_of(sandbox, warehouse, apps, conn_id=f"account_{number}", window=ours)
            night.shift_clocks(noon - datetime.now(UTC))
            inside = window_days(sandbox)

            planned, summary = night.run()

            expected = {day for _, day in keys(planned.app_days)}
            served, refused = expected & set(inside), expected - set(inside)
            assert summary.failures == {}, (ours, theirs)
            states = {key: row["state"] for key, row in night.coverage().items() if key[0] in sandbox.app_ids}
            assert {key for key, state in states.items() if state == "collected"} == product(
                sandbox.app_ids, served
            ), (ours, theirs)
            assert {key for key, state in states.items() if state == "failed"} == product(
                sandbox.app_ids, refused
            ), (ours, theirs)
            assert len(served) >= 27


def test_a_longer_window_than_configured_loses_nothing(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, window="60 days", quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        first = sandbox.today() - timedelta(days=50)
        _, summary = night.run(Days(first, sandbox.today() - timedelta(days=1)))
        assert summary.states == {"collected": 100}
        assert "400" not in sandbox.stats()["by_status"]


@pytest.mark.parametrize("age", range(EDGE_DAYS + 1))
def test_a_400_is_a_failure_unless_the_day_is_at_the_window_edge(warehouse: Warehouse, age: int) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.put_faults([{"kind": "status", "status": 400, "app": 1, "usage_date": str(days[age])}])
        refused = (sandbox.app_ids[1], days[age])

        _, summary = night.run()

        at_the_edge = age < EDGE_DAYS
        assert list(summary.failures) == ([] if at_the_edge else [refused[0]])
        assert summary.at_the_edge == at_the_edge
        assert ("1 app-day refused as too old (HTTP 400)" in summary.text()) == at_the_edge
        assert night.states()[refused] == "failed"
        assert_collected(night, sandbox, product(sandbox.app_ids, days) - {refused})


def test_a_400_for_a_recent_day_is_a_failure_with_app_day_and_message(warehouse: Warehouse) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        failing = (sandbox.app_ids[1], days[-5])
        fault = {
            "kind": "status",
            "app": 1,
            "usage_date": str(days[-5]),
            "status": 400,
            "body": {"message": "odd"},
        }
        sandbox.put_faults([fault])

        _, summary = night.run()

        row = night.ledger()[failing]
        assert (row["state"], row["http_status"]) == ("failed", 400)
        assert row["reason"] == "HTTP 400 from the vendor: odd"
        assert {app_id: failed.days for app_id, failed in summary.failures.items()} == {failing[0]: 1}
        assert f"{failing[0]}: 1 day, HTTP 400 from the vendor: odd" in summary.failed()
        assert summary.at_the_edge == 0
        (response,) = night.raw(*failing)
        assert (response["http_status"], bytes(response["body"])) == (400, b'{"message":"odd"}')

        planned, _ = night.run()
        assert keys(planned.app_days) == [failing]
        assert night.states()[failing] == "failed"
        sandbox.put_faults([])
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


@pytest.mark.parametrize("since", [10, 0])
def test_collect_from_is_suggested_for_an_app_without_older_days(warehouse: Warehouse, since: int) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        young = sandbox.app_ids[1]
        refused = days[since : since + 10]
        sandbox.put_faults(
            [{"kind": "status", "status": 400, "app": 1, "usage_date": str(day)} for day in refused]
        )

        _, summary = night.run()

        assert list(summary.failures) == [young]
        suggested = "set its collect_from in the variable agora_apps" in summary.failed()
        assert suggested == (since == 0)


@pytest.mark.parametrize("position", ["first", "last"])
def test_an_app_that_gets_400_for_everything_fails_alone(warehouse: Warehouse, position: str) -> None:
    with running_sandbox(apps=5, quiet=True) as sandbox:
        in_order = sorted(sandbox.app_ids)
        broken = in_order[0 if position == "first" else -1]
        sound = [app_id for app_id in in_order if app_id != broken]
        night, inside = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.put_faults([{"kind": "status", "status": 400, "app_id": broken}])

        _, summary = night.run()

        assert_collected(night, sandbox, product(sound, inside))
        assert {state for (app_id, _), state in night.states().items() if app_id == broken} == {"failed"}
        assert set(summary.failures) == {broken}

        sandbox.put_faults([])
        night.run()
        assert_collected(night, sandbox, product(in_order, inside))


def test_with_400s_for_every_app_each_date_is_requested_and_nothing_is_lost(
    warehouse: Warehouse,
) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        night, inside = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.put_faults([{"kind": "status", "status": 400}])

        _, summary = night.run()

        assert {day for _, day in night.states()} == set(inside)
        assert set(night.states().values()) == {"failed"}
        assert summary.failures
        # A few per date, and the newest day of each app.
        assert sandbox.stats()["requests"] <= PROBES_PER_DATE * len(inside) + 20 + 1
        assert "lost" not in {row["state"] for row in night.coverage().values()}

        sandbox.put_faults([])
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, inside))


def test_a_day_collected_in_time_is_never_lost(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        (app_id,) = sandbox.app_ids
        sandbox.put_faults([{"kind": "withhold", "slots": ["00:00"], "usage_date": str(days[0])}])
        night.run()
        night.shift_clocks(timedelta(days=45))
        sandbox.put_clock(night.now())
        newest = night.now().date() - timedelta(days=1)

        night.run(Days(days[0], newest, reload=True))

        coverage = night.coverage()
        assert coverage[app_id, days[0]]["state"] == "partial"
        assert {coverage[app_id, day]["state"] for day in days[1:]} == {"collected"}
        lost = {day for (_, day), row in coverage.items() if row["state"] == "lost"}
        shown = window_days(sandbox)
        assert lost == {day for day in days_between(days[-1], newest) if day > days[-1]} - set(shown) - {
            shown[0] - timedelta(days=1),
            shown[0] - timedelta(days=2),
        }
