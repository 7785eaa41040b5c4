"""App IDs of another account: each fails alone and is named, and all other apps are collected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.bandwidth.collect.night import Night, assert_collected, night_of, product, window_days
from tests.support.sandbox_server import RunningSandbox, running_sandbox
from tests.warehouse.database import Warehouse

FIRST, LAST = "0" * 32, "f" * 32
REQUESTS_PER_REFUSED_APP = 3


def foreign(app_ids: Sequence[str], status: int = 401) -> list[dict[str, Any]]:
    return [{"kind": "foreign", "app_id": app_id, "status": status} for app_id in app_ids]


def foreign_app_ids(count: int) -> list[str]:
    """Return App IDs that sort before the account's own."""
    return [f"{number:032d}" for number in range(count)]


def sandbox_of_twenty(foreign_apps: int) -> Any:
    return running_sandbox(apps=20 - foreign_apps, quiet=True)


def assert_named(night: Night, summary: Any, refused: Sequence[str], status: int = 401) -> None:
    assert set(summary.failures) == set(refused)
    assert (summary.kinds, summary.stopped) == (["AppRefused"], "")
    assert "See docs/runbook.md#app-refused" in summary.failed()
    days = len({day for _, day in night.coverage()})
    for app_id in refused:
        count, reason, _ = summary.failures[app_id]
        assert count == days, "unrequested days must be counted, too"
        assert reason.startswith(f"HTTP {status} from the vendor: The App ID and the Customer Certificate")
        assert "The App ID may belong to another account" in reason


def requests_of(sandbox: RunningSandbox, app_ids: Sequence[str], status: int = 401) -> list[int]:
    by_app = sandbox.stats()["by_app"]
    return [by_app.get(app_id, {}).get(str(status), 0) for app_id in app_ids]


@pytest.mark.parametrize("app_id", [FIRST, LAST])
@pytest.mark.parametrize("status", [401, 403])
def test_one_foreign_app_among_twenty_fails_alone(warehouse: Warehouse, app_id: str, status: int) -> None:
    with sandbox_of_twenty(1) as sandbox:
        night, days = night_of(sandbox, warehouse, [*sandbox.app_ids, app_id]), window_days(sandbox)
        sandbox.put_faults(foreign([app_id], status))

        planned, summary = night.run()

        assert planned.unusable == ""
        assert_collected(night, sandbox, product(sandbox.app_ids, days))
        assert_named(night, summary, [app_id], status)
        (requests,) = requests_of(sandbox, [app_id], status)
        assert 1 <= requests <= 1 + REQUESTS_PER_REFUSED_APP + night.account.max_concurrency
        assert {row["state"] for key, row in night.coverage().items() if key[0] == app_id} <= {
            "failed",
            "pending",
        }


@pytest.mark.parametrize("count", [6, 10])
def test_several_foreign_apps_on_a_first_install_fail_alone(warehouse: Warehouse, count: int) -> None:
    refused = foreign_app_ids(count)
    with sandbox_of_twenty(count) as sandbox:
        night, days = night_of(sandbox, warehouse, [*refused, *sandbox.app_ids]), window_days(sandbox)
        sandbox.put_faults(foreign(refused))

        planned, summary = night.run()

        assert planned.unusable == ""
        assert_collected(night, sandbox, product(sandbox.app_ids, days))
        assert_named(night, summary, refused)


@pytest.mark.parametrize("count", [6, 10])
def test_foreign_apps_fail_alone_when_all_else_but_yesterday_is_collected(
    warehouse: Warehouse, count: int
) -> None:
    refused = foreign_app_ids(count)
    with sandbox_of_twenty(count) as sandbox:
        night, days = night_of(sandbox, warehouse, [*refused, *sandbox.app_ids]), window_days(sandbox)
        sandbox.put_faults(foreign(refused))
        night.run()
        warehouse.run("delete from core.app_day where usage_date = %s and points > 0", (days[-1],))

        planned, summary = night.run()

        assert planned.unusable == ""
        assert_collected(night, sandbox, product(sandbox.app_ids, days))
        assert_named(night, summary, refused)


def test_apps_that_become_foreign_fail_alone(warehouse: Warehouse) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        moved = sorted(sandbox.app_ids)[:6]
        night.run()
        before = night.points()
        warehouse.run("delete from core.app_day where usage_date = %s", (days[-1],))
        sandbox.put_faults(foreign(moved))

        _, summary = night.run()

        assert set(summary.failures) == set(moved)
        assert (summary.kinds, summary.stopped) == (["AppRefused"], "")
        assert {key: points for key, points in before.items() if key not in product(moved, [days[-1]])} == {
            key: points for key, points in night.points().items() if points[1]
        }


@pytest.mark.parametrize("rate", [0.03, 0.1])
def test_random_refusals_are_recovered_within_five_runs(warehouse: Warehouse, rate: float) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        sandbox.put_faults([{"kind": "status", "status": 401, "rate": rate}])
        left = []
        for _ in range(5):
            planned, summary = night.run()
            assert (planned.unusable, summary.stopped) == ("", "")
            left.append(20 * len(days) - sum(state == "collected" for state in night.states().values()))
        assert left[0] <= 2 * rate * 20 * len(days), "a refusal cost more than its own request"
        assert left[-1] == 0
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


def test_an_unknown_app_does_not_hide_refused_credentials(warehouse: Warehouse) -> None:
    with running_sandbox(apps=19, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, [FIRST, *sandbox.app_ids]), window_days(sandbox)
        _, summary = night.run()
        assert (list(summary.failures), summary.kinds) == ([FIRST], ["UnknownApp"])
        assert_collected(night, sandbox, product(sandbox.app_ids, days))
