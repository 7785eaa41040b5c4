"""Every day in the window is collected once for every app, exactly as the vendor serves it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from agora.bandwidth.plan import Days
from tests.bandwidth.collect.night import assert_collected, keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse


def test_a_month_of_twenty_apps_is_collected_exactly_once(warehouse: Warehouse) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        expected = product(sandbox.app_ids, days)

        planned, summary = night.run()

        assert keys(planned.app_days) == sorted(expected, key=lambda app_day: (app_day[1], app_day[0]))
        assert (planned.rechecks, planned.left, planned.unusable) == (0, 0, "")
        assert summary.states == {"collected": len(expected)}
        assert (summary.app_days, summary.requested) == (len(expected), len(expected))
        assert (summary.received, summary.changed) == (len(expected), len(expected))
        assert summary.points_received == 288 * len(expected)
        assert (summary.failures, summary.at_the_edge, summary.not_worthwhile) == ({}, 0, 0)
        assert_collected(night, sandbox, expected)
        (counted,) = warehouse.rows("select count(*) from mart.bandwidth_5min", role="analyst")
        assert counted["count"] == 288 * len(expected)

        sandbox.reset_stats()
        again = night.plan()
        assert again.app_days == []
        assert sandbox.stats()["requests"] == 0

        before, points = night.ledger(), night.points()
        planned, summary = night.run(Days(days[0], days[-1], reload=True))
        assert set(keys(planned.app_days)) == expected
        assert (summary.states, summary.changed) == ({"collected": len(expected)}, 0)
        assert night.points() == points, "identical responses changed points"
        for key, row in night.ledger().items():
            assert (row["collected_at"], row["body_sha256"]) == (
                before[key]["collected_at"],
                before[key]["body_sha256"],
            )
            assert row["verified_at"] > before[key]["verified_at"]
            assert row["attempts"] == before[key]["attempts"] + 1
        (counted,) = warehouse.rows("select count(*) from raw.bandwidth_response where http_status = 200")
        assert counted["count"] >= 2 * len(expected)


def test_stored_responses_match_loaded_points(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        night.run()
        for (app_id, day), row in night.ledger().items():
            *_, response = night.raw(app_id, day)
            assert bytes(response["body"]) == sandbox.fetch(app_id, day).body
            assert bytes(response["body_sha256"]) == bytes(row["body_sha256"])
            assert response["fetched_at"] == row["collected_at"]


def test_days_in_another_time_zone_start_at_its_midnight(warehouse: Warehouse) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    with running_sandbox(apps=2, timezone="Asia/Shanghai", quiet=True) as sandbox:
        night = night_of(sandbox, warehouse, timezone="Asia/Shanghai")
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, window_days(sandbox)))
        for (_, day), row in night.ledger().items():
            assert row["starts_at"] == datetime.combine(day, time(), zone)
            assert row["starts_at"].astimezone(UTC).time() == time(16)


def test_a_related_unit_is_converted(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse)
        yesterday = sandbox.today() - timedelta(days=1)
        sandbox.put_faults([{"kind": "scale_unit", "unit": "bps"}])
        night.run(Days(yesterday, yesterday))
        assert_collected(night, sandbox, product(sandbox.app_ids, [yesterday]))
