"""A run is given no more app-days than it gets to before it is ended; the rest is the next one's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agora.bandwidth import plan as planning
from tests.bandwidth.collect.night import keys, night_of, product, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

APPS, DAYS, ENOUGH = 20, 5, 45


def test_the_soonest_to_expire_come_first_and_the_rest_is_left_for_the_next_run(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=APPS, quiet=True) as sandbox:
        days = window_days(sandbox)[-DAYS:]
        apps = [{"app_id": app_id, "collect_from": str(days[0])} for app_id in sandbox.app_ids]
        night = night_of(sandbox, warehouse, apps)
        wanted = sorted(product(sandbox.app_ids, days), key=lambda app_day: (app_day[1], app_day[0]))
        monkeypatch.setattr(planning, "COLLECTING_SECONDS", ENOUGH / night.account.requests_per_second)

        planned, _ = night.run()

        assert keys(planned.app_days) == wanted[:ENOUGH]
        assert planned.left == APPS * DAYS - ENOUGH
        following, _ = night.run()
        assert keys(following.app_days) == wanted[ENOUGH : 2 * ENOUGH]
        last, _ = night.run()
        assert keys(last.app_days) == wanted[2 * ENOUGH :]
        assert last.left == 0


def test_days_that_were_never_available_take_no_place_of_those_that_are(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_sandbox(apps=APPS, quiet=True) as sandbox:
        inside = window_days(sandbox)
        first = inside[0] - timedelta(days=3)
        apps = [{"app_id": app_id, "collect_from": str(first)} for app_id in sandbox.app_ids]
        night = night_of(sandbox, warehouse, apps)
        monkeypatch.setattr(planning, "COLLECTING_SECONDS", ENOUGH / night.account.requests_per_second)
        wanted = sorted(product(sandbox.app_ids, inside), key=lambda app_day: (app_day[1], app_day[0]))

        planned, _ = night.run()

        assert keys(planned.app_days) == wanted[:ENOUGH]
        assert planned.left == APPS * len(inside) - ENOUGH
