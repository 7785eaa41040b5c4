"""Every request counts as an attempt; received, changed and stored app-days are separate figures."""

from __future__ import annotations

from datetime import timedelta

from agora.bandwidth.plan import Days
from tests.bandwidth.collect.night import night_of, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse


def test_a_day_requested_eight_times_has_eight_attempts(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        (app_id,) = sandbox.app_ids
        night.plan()
        incomplete = {"kind": "withhold", "slots": ["00:00"]}
        for faults in (
            [{"kind": "status", "status": 400}],
            [{"kind": "body", "body": "<html>"}],
            [incomplete],
            [incomplete],
            [{"kind": "status", "status": 404}],
            [{"kind": "body", "body": "<html>"}],
            [],
            [incomplete],
        ):
            sandbox.put_faults(faults)
            night.collect([(app_id, day)])

        assert night.ledger()[app_id, day]["attempts"] == len(night.raw(app_id, day)) == 8
        assert night.coverage()[app_id, day]["attempts"] == 8
        assert night.coverage()[app_id, day]["state"] == "collected"


def test_received_changed_and_stored_days_are_counted_separately(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)[-6:]
        (app_id,) = sandbox.app_ids
        night.run(Days(days[0], days[-1]))
        withheld = {"kind": "withhold", "slots": ["00:00"], "usage_date": str(days[1])}
        broken = {"kind": "body", "body": "<html>", "usage_date": str(days[2])}
        restated = {"kind": "restate", "factor": 2, "usage_date": str(days[3])}
        sandbox.put_faults([withheld, broken, restated])

        summary = night.collect([(app_id, day) for day in days])

        assert (summary.app_days, summary.requested, summary.received, summary.changed) == (6, 6, 5, 1)
        assert summary.points_received == 5 * 288 - 1
        assert summary.states == {"collected": 6}
        assert list(summary.failures) == [app_id]
        assert "received 5 with 1,439 points; changed 1." in summary.text()
        assert "State now: 6 collected." in summary.text()


def test_unrequested_days_have_no_ledger_entry_and_no_attempt(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, max_concurrency=1), window_days(sandbox)
        unknown = "0" * 32
        night.apps = night_of(sandbox, warehouse, [unknown, *sandbox.app_ids]).apps

        _, summary = night.run()

        requested = {day for app_id, day in night.ledger() if app_id == unknown}
        assert len(requested) <= 4
        assert summary.failures[unknown][0] == len(days)
        pending = {
            day
            for (app_id, day), row in night.coverage().items()
            if app_id == unknown and (row["state"], row["attempts"]) == ("pending", 0)
        }
        assert pending == set(days) - requested
        assert summary.states["pending"] == len(pending)
        assert max(requested) - min(requested) < timedelta(days=len(days))
