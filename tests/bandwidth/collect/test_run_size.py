"""A run plans only the app-days that it can collect in time, and leaves the rest to the next run."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agora.bandwidth import plan as planning
from tests.bandwidth.collect.night import keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

APPS, DAYS, APP_DAYS_PER_RUN = 20, 5, 45


def test_a_run_takes_the_soonest_to_expire_and_leaves_the_rest_to_the_next(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=APPS, quiet=True) as sandbox:
        days = window_days(sandbox)[-DAYS:]
        apps = [{"app_id": app_id, "collect_from": str(days[0])} for app_id in sandbox.app_ids]
        night = night_of(sandbox, warehouse, apps)
        expected = sorted(product(sandbox.app_ids, days), key=lambda app_day: (app_day[1], app_day[0]))
        monkeypatch.setattr(
            planning, "COLLECTING_SECONDS", APP_DAYS_PER_RUN / night.account.requests_per_second
        )

        planned, _ = night.run()

        assert keys(planned.app_days) == expected[:APP_DAYS_PER_RUN]
        assert planned.left == APPS * DAYS - APP_DAYS_PER_RUN
        following, _ = night.run()
        assert keys(following.app_days) == expected[APP_DAYS_PER_RUN : 2 * APP_DAYS_PER_RUN]
        last, _ = night.run()
        assert keys(last.app_days) == expected[2 * APP_DAYS_PER_RUN :]
        assert last.left == 0


def test_unavailable_days_do_not_displace_available_ones(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=APPS, quiet=True) as sandbox:
        inside = window_days(sandbox)
        first = inside[0] - timedelta(days=3)
        apps = [{"app_id": app_id, "collect_from": str(first)} for app_id in sandbox.app_ids]
        night = night_of(sandbox, warehouse, apps)
        monkeypatch.setattr(
            planning, "COLLECTING_SECONDS", APP_DAYS_PER_RUN / night.account.requests_per_second
        )
        expected = sorted(product(sandbox.app_ids, inside), key=lambda app_day: (app_day[1], app_day[0]))

        planned, _ = night.run()

        assert keys(planned.app_days) == expected[:APP_DAYS_PER_RUN]
        assert planned.left == APPS * len(inside) - APP_DAYS_PER_RUN
