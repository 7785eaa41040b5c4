"""After weeks without a scheduler, the next run collects every available day, and all others are lost."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from agora.bandwidth.plan import Days
from agora.bandwidth.window import MARGIN_DAYS
from tests.bandwidth.collect.night import assert_collected, keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse, days_between


@pytest.mark.parametrize("days_down", [1, 25, 40])
def test_the_first_run_after_an_outage_collects_every_day_still_in_the_window(
    warehouse: Warehouse, days_down: int
) -> None:
    noon = datetime.combine(datetime.now(UTC).date(), time(12), UTC)
    with running_sandbox(
        apps=3, window="30 days", quiet=True, clock=noon - timedelta(days=days_down)
    ) as sandbox:
        night = night_of(sandbox, warehouse, window="30 days", settle_days=0)
        night.shift_clocks(-timedelta(days=days_down))
        collected = window_days(sandbox)
        night.run(Days(collected[0], collected[-1]))
        assert_collected(night, sandbox, product(sandbox.app_ids, collected))

        sandbox.put_clock(noon)
        night.shift_clocks(timedelta())
        available = window_days(sandbox)
        missed = days_between(collected[-1] + timedelta(days=1), available[-1])
        planned, summary = night.run()

        refused = [day for day in missed if day < available[0]]
        recoverable = [day for day in missed if day >= available[0]]
        assert len(refused) == max(0, days_down - len(available))
        # The two newest refused days might still have been available.
        margin, lost = refused[-MARGIN_DAYS:], refused[:-MARGIN_DAYS]
        assert set(keys(planned.app_days)) == product(sandbox.app_ids, [*margin, *recoverable])
        assert planned.app_days == sorted(planned.app_days, key=lambda app_day: (app_day[1], app_day[0]))
        assert summary.failures == {}
        assert summary.at_the_edge + summary.not_worthwhile == 3 * len(margin)
        assert_collected(night, sandbox, product(sandbox.app_ids, [*collected, *recoverable]))

        coverage = night.coverage()
        assert coverage.keys() == product(sandbox.app_ids, [*collected, *missed])
        assert {key for key, row in coverage.items() if row["state"] == "lost"} == product(
            sandbox.app_ids, lost
        )
        assert {key for key, row in coverage.items() if row["state"] == "collected"} == product(
            sandbox.app_ids, [*collected, *recoverable]
        )

        night.shift_clocks(timedelta(days=MARGIN_DAYS))
        sandbox.put_clock(noon + timedelta(days=MARGIN_DAYS))
        assert {key for key, row in night.coverage().items() if row["state"] == "lost"} == product(
            sandbox.app_ids, refused
        )
        assert set(keys(night.run()[0].app_days)) == product(
            sandbox.app_ids, days_between(noon.date(), noon.date() + timedelta(days=MARGIN_DAYS - 1))
        )
