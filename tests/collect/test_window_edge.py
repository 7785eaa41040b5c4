"""Days the vendor no longer shows: learned with a handful of questions, entered as lost, never guessed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import product as every

import pytest

from agora.bandwidth.plan import Days
from sandbox.testing import running_sandbox
from tests.collect.night import assert_true, keys, night_of, product, window_days
from tests.warehouse.database import Warehouse, days_between

MOST_REFUSALS = 6
RULES = ("30 days", "31 days", "1 month")


def test_a_backfill_of_45_days_gets_what_there_is_and_marks_the_rest_lost(warehouse: Warehouse) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        night, inside = night_of(sandbox, warehouse), window_days(sandbox)
        wanted = days_between(sandbox.today() - timedelta(days=45), inside[-1])
        outside = sorted(set(wanted) - set(inside))
        assert len(outside) >= 14

        planned, summary = night.run(Days(wanted[0], wanted[-1]))

        assert_true(night, sandbox, product(sandbox.app_ids, inside))
        assert set(keys(planned.lost)) == product(sandbox.app_ids, outside)
        lost = {key: row for key, row in night.ledger().items() if row["state"] == "lost"}
        assert lost.keys() == product(sandbox.app_ids, outside)
        for row in lost.values():
            assert row["http_status"] == 400
            assert (
                f"Only the last 1 month can be asked for; {outside[-1]} is before {inside[0]}."
                in row["reason"]
            )
            assert f"it served {inside[0]}, and said to {outside[-1]} (HTTP 400)" in row["reason"]
        assert planned.refusal in {row["reason"] for row in lost.values()}
        assert (summary.failures, summary.at_the_edge) == ({}, 0)
        assert sandbox.stats()["by_status"]["400"] <= MOST_REFUSALS

        sandbox.reset_stats()
        again = night.plan()
        assert again.app_days == [], "what is lost is not asked for again"
        assert "400" not in sandbox.stats()["by_status"]


def test_the_edge_is_learned_once_a_day(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        days = Days(sandbox.today() - timedelta(days=45), sandbox.today() - timedelta(days=1))
        first = night.plan(days)
        sandbox.reset_stats()
        again = night.plan(days)
        assert sandbox.stats()["requests"] == 0
        assert again.app_days == first.app_days
        assert again.refusal == first.refusal


def test_after_an_outage_the_night_itself_finds_what_is_lost(warehouse: Warehouse) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        since = sandbox.today() - timedelta(days=45)
        apps = [{"app_id": app_id, "collect_from": str(since)} for app_id in sandbox.app_ids]
        night, inside = night_of(sandbox, warehouse, apps), window_days(sandbox)
        planned, _ = night.run()
        assert_true(night, sandbox, product(sandbox.app_ids, inside))
        outside = set(days_between(since, inside[-1])) - set(inside)
        assert set(keys(planned.lost)) == product(sandbox.app_ids, outside)
        assert set(night.states().values()) == {"collected", "lost"}
        assert sandbox.stats()["by_status"]["400"] <= MOST_REFUSALS


# Days on which a month and 30 or 31 days differ most, and one on which two of them agree.
@pytest.mark.parametrize("today", ["2026-03-01", "2026-03-30", "2026-03-31", "2026-05-31", "2026-11-22"])
def test_the_configured_window_may_differ_from_the_vendors(warehouse: Warehouse, today: str) -> None:
    noon = datetime.fromisoformat(f"{today}T12:00:00+00:00")
    for number, (ours, theirs) in enumerate(every(RULES, RULES)):
        with running_sandbox(apps=2, window=theirs, clock=noon, quiet=True, seed=number) as sandbox:
            # An account and apps of its own for each combination, in one warehouse.
            apps = [{"app_id": app_id, "conn_id": f"account_{number}"} for app_id in sandbox.app_ids]
            night = night_of(sandbox, warehouse, apps, conn_id=f"account_{number}", window=ours)
            night.now = noon
            inside = window_days(sandbox)
            wanted = days_between(noon.date() - timedelta(days=45), inside[-1])

            planned, summary = night.run(Days(wanted[0], wanted[-1]))

            assert keys(planned.app_days) == sorted(
                product(sandbox.app_ids, inside), key=lambda app_day: (app_day[1], app_day[0])
            ), (ours, theirs)
            assert set(keys(planned.lost)) == product(sandbox.app_ids, set(wanted) - set(inside)), (
                ours,
                theirs,
            )
            assert summary.states == {"collected": 2 * len(inside)}
            assert sandbox.stats()["by_status"]["400"] <= MOST_REFUSALS, (ours, theirs)


def test_a_longer_window_than_configured_loses_nothing(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, window="60 days", quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        first = sandbox.today() - timedelta(days=50)
        planned, summary = night.run(Days(first, sandbox.today() - timedelta(days=1)))
        assert planned.lost == []
        assert summary.states == {"collected": 100}
        assert "400" not in sandbox.stats()["by_status"]


def test_a_400_for_a_recent_day_is_a_failure_and_names_app_day_and_words(warehouse: Warehouse) -> None:
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
        assert row["reason"] == "HTTP 400, the vendor says: odd"
        assert {app_id: count for app_id, (count, _) in summary.failures.items()} == {failing[0]: 1}
        assert f"{failing[0]}: 1 day, HTTP 400, the vendor says: odd" in summary.failed()
        assert summary.at_the_edge == 0
        (kept,) = night.raw(*failing)
        assert (kept["http_status"], bytes(kept["body"])) == (400, b'{"message":"odd"}')

        planned, _ = night.run()
        assert keys(planned.app_days) == [failing]
        assert night.states()[failing] == "failed"
        sandbox.put_faults([])
        night.run()
        assert_true(night, sandbox, product(sandbox.app_ids, days))


@pytest.mark.parametrize("position", ["first", "last"])
def test_an_app_that_answers_400_to_everything_does_not_move_the_edge(
    warehouse: Warehouse, position: str
) -> None:
    with running_sandbox(apps=5, quiet=True) as sandbox:
        since = sandbox.today() - timedelta(days=45)
        in_order = sorted(sandbox.app_ids)
        broken = in_order[0 if position == "first" else -1]
        sound = [app_id for app_id in in_order if app_id != broken]
        night, inside = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.put_faults([{"kind": "status", "status": 400, "app_id": broken}])

        planned, summary = night.run(Days(since, inside[-1]))

        outside = set(days_between(since, inside[-1])) - set(inside)
        assert_true(night, sandbox, product(sound, inside))
        assert set(keys(planned.lost)) == product(in_order, outside)
        states = night.states()
        assert {states[broken, day] for day in inside} == {"failed"}
        assert set(summary.failures) == {broken}

        sandbox.put_faults([])
        night.run()
        assert_true(night, sandbox, product(in_order, inside))


def test_an_app_younger_than_the_window_does_not_move_the_edge(warehouse: Warehouse) -> None:
    with running_sandbox(apps=4, window="31 days", quiet=True) as sandbox:
        night, inside = night_of(sandbox, warehouse, window="31 days"), window_days(sandbox)
        young = min(sandbox.app_ids)
        # The vendor knows it for 28 days only, and answers 400 to what was before.
        before = [day for day in inside if day < sandbox.today() - timedelta(days=28)]
        assert before
        sandbox.put_faults(
            [{"kind": "status", "status": 400, "app_id": young, "usage_date": str(day)} for day in before]
        )
        planned, summary = night.run(Days(sandbox.today() - timedelta(days=45), inside[-1]))

        assert_true(night, sandbox, product(sandbox.app_ids, inside) - product([young], before))
        outside = set(days_between(sandbox.today() - timedelta(days=45), inside[-1])) - set(inside)
        assert set(keys(planned.lost)) == product(sandbox.app_ids, outside)
        assert summary.at_the_edge == len(before)


def test_where_every_app_answers_400_to_everything_nothing_is_lost(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, inside = night_of(sandbox, warehouse), window_days(sandbox)
        since = sandbox.today() - timedelta(days=45)
        wanted = days_between(since, inside[-1])
        sandbox.put_faults([{"kind": "status", "status": 400}])

        planned, summary = night.run(Days(since, inside[-1]))

        assert planned.lost == []
        assert set(keys(planned.app_days)) == product(sandbox.app_ids, wanted)
        assert night.states() == dict.fromkeys(product(sandbox.app_ids, wanted), "failed")
        assert summary.at_the_edge == 2 * (len(wanted) - 27), (
            "old days may be at the edge, recent ones are faults"
        )
        assert {count for count, _ in summary.failures.values()} == {27}

        sandbox.put_faults([])
        night.run(Days(since, inside[-1]))
        assert_true(night, sandbox, product(sandbox.app_ids, inside))


def test_a_day_collected_in_time_is_never_lost(warehouse: Warehouse) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    with running_sandbox(apps=1, clock=noon, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        night.now = noon
        sandbox.put_faults([{"kind": "withhold", "slots": ["00:00"], "usage_date": "2026-10-22"}])
        days = Days(date(2026, 10, 22), date(2026, 11, 21))
        night.run(days)
        sandbox.put_clock("2026-12-22T12:00:00+00:00")
        night.now = noon + timedelta(days=30)

        planned, _ = night.run(Days(date(2026, 10, 22), date(2026, 12, 21), reload=True))

        assert planned.lost == []
        states = night.states()
        app_id = sandbox.app_ids[0]
        assert states[app_id, date(2026, 10, 22)] == "partial"
        assert states[app_id, date(2026, 10, 23)] == "collected"
        assert "lost" not in states.values()
