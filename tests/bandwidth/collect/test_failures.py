"""A failing app does not affect the others, is named in the error, and is requested again."""

from __future__ import annotations

from typing import Any

from tests.bandwidth.collect.night import account_of, assert_collected, keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse


def test_an_unknown_and_a_broken_app_do_not_affect_the_others(warehouse: Warehouse) -> None:
    # Both sandboxes have the same seed. The second lacks the twentieth app, which exists only after the fix.
    with running_sandbox(apps=20, quiet=True) as fixed, running_sandbox(apps=19, quiet=True) as sandbox:
        days = window_days(sandbox)
        broken, unknown = fixed.app_ids[0], fixed.app_ids[19]
        assert unknown not in sandbox.app_ids
        sandbox.put_faults(
            [{"kind": "status", "app_id": broken, "status": 500, "body": {"message": "sorry"}}]
        )
        night = night_of(sandbox, warehouse, fixed.app_ids)

        _, summary = night.run()

        assert_collected(night, sandbox, product(fixed.app_ids[1:19], days))
        states = night.states()
        assert {states[broken, day] for day in days} == {"failed"}
        requested = sum((unknown, day) in states for day in days)
        assert {states.get((unknown, day)) for day in days} == {"failed", None}
        assert summary.states == {
            "collected": 18 * len(days),
            "failed": len(days) + requested,
            "pending": len(days) - requested,
        }
        assert set(summary.failures) == {broken, unknown}
        assert summary.failed().startswith("2 apps failed. All sound responses are loaded;")
        assert f"{broken}: {len(days)} days, HTTP 500 from the vendor: sorry" in summary.failed()
        assert f"{unknown}: {len(days)} days, HTTP 404" in summary.failed()

        stats = sandbox.stats()
        assert requested == stats["by_status"]["404"] <= 3 + night.account.max_concurrency
        # Days in flight before the app was given up are retried three times; later days are requested once.
        assert len(days) < stats["by_app"][broken]["500"] <= len(days) + 3 * night.account.max_concurrency

        night.account = account_of(fixed)
        fixed.reset_stats()
        planned, summary = night.run()
        assert set(keys(planned.app_days)) == product([broken, unknown], days)
        assert summary.states == {"collected": 2 * len(days)}
        assert_collected(night, fixed, product(fixed.app_ids, days))
        assert night.plan().app_days == []


def test_an_app_that_recovers_during_the_run_is_collected_from_then_on(warehouse: Warehouse) -> None:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, max_concurrency=1), window_days(sandbox)
        # Four requests in the access check, four for the first day, then one per day.
        sandbox.put_faults([{"kind": "status", "app": 0, "status": 500, "times": 14}])
        night.run()
        failed = {key for key, state in night.states().items() if state == "failed"}
        assert 5 <= len(failed) <= 8
        assert {app_id for app_id, _ in failed} == {sandbox.app_ids[0]}
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


def test_an_api_that_is_down_fails_every_day_and_loses_none(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.stop()
        _, summary = night.run()
        ledger = night.ledger()
        assert all("no connection" in row["reason"] for row in ledger.values())
        assert all((row["state"], row["http_status"]) == ("failed", None) for row in ledger.values())
        assert 32 <= len(ledger) < 2 * len(days), "a silent API was requested for every day"
        assert {failed.days for failed in summary.failures.values()} == {len(days)}
        assert set(summary.failures) == set(sandbox.app_ids)
        assert summary.states == {"failed": len(ledger), "pending": 2 * len(days) - len(ledger)}
        sandbox.start()
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


def test_a_failure_never_replaces_points(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        night.run()
        before, verified = night.points(), {key: row["verified_at"] for key, row in night.ledger().items()}
        faults: tuple[dict[str, Any], ...] = (
            {"kind": "status", "status": 500},
            {"kind": "status", "status": 400},
            {"kind": "body", "body": "no"},
        )
        for number, fault in enumerate(faults, start=2):
            sandbox.put_faults([fault])
            summary = night.collect(sorted(product(sandbox.app_ids, days)))
            assert (summary.changed, len(summary.failures)) == (0, 1)
            assert night.points() == before
            ledger = night.ledger()
            assert {row["state"] for row in ledger.values()} == {"collected"}
            assert {row["attempts"] for row in ledger.values()} == {number}
            assert {key: row["verified_at"] for key, row in ledger.items()} == verified


def test_hanging_apps_do_not_block_the_apps_behind_them(warehouse: Warehouse) -> None:
    with running_sandbox(apps=4, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, max_concurrency=4), window_days(sandbox)
        broken, sound = sandbox.app_ids[:2], sandbox.app_ids[2:]
        night.configure()
        sandbox.put_faults([{"kind": "disconnect", "app_id": app_id} for app_id in broken])
        backlog = [(app_id, day) for day in days for app_id in broken]

        night.collect([*backlog, *((app_id, days[-1]) for app_id in sound)])

        assert_collected(night, sandbox, product(sound, days[-1:]))
        requested = [app_day for app_day in backlog if app_day in night.states()]
        assert len(requested) < len(backlog), "a silent app was requested for every day"


def test_a_silent_app_among_responding_ones_is_requested_for_each_day(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, max_concurrency=1), window_days(sandbox)[-8:]
        silent, sound = sandbox.app_ids
        night.configure()
        sandbox.put_faults([{"kind": "disconnect", "app_id": silent}])

        night.collect([(app_id, day) for day in days for app_id in (silent, sound)])

        assert [night.ledger()[silent, day]["attempts"] for day in days] == [1] * len(days)
        assert_collected(night, sandbox, product([sound], days))
