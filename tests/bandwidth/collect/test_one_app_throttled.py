"""An app that gets only 429s does not prevent the collection of the account's other apps."""

from __future__ import annotations

from tests.bandwidth.collect.night import assert_collected, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse


def test_the_other_apps_are_collected_and_the_throttled_one_is_named(warehouse: Warehouse) -> None:
    with running_sandbox(apps=4, quiet=True, window="3 days") as sandbox:
        night, days = night_of(sandbox, warehouse, window="3 days"), window_days(sandbox)
        throttled = sandbox.app_ids[2]
        sandbox.put_faults([{"kind": "status", "app_id": throttled, "status": 429}])

        _, summary = night.run()

        others = [app_id for app_id in sandbox.app_ids if app_id != throttled]
        assert_collected(night, sandbox, product(others, days))
        assert summary.stopped == ""
        assert set(summary.failures) == {throttled}
        assert f"{throttled}: 3 days, HTTP 429" in summary.failed()
        assert "docs/runbook.md#rate-limited" in summary.failed()
