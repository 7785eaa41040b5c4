"""Wrong credentials are detected immediately, cost a few requests, and stop only their own account."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from time import sleep

import pytest

from agora.bandwidth.access_check import REFUSALS_OF_AN_APP
from agora.client.dashboard import CONFIRMING_APPS
from tests.bandwidth.collect.night import account_of, assert_collected, night_of, product, window_days
from tests.support.sandbox_server import RunningSandbox, running_sandbox
from tests.warehouse.database import Warehouse

MAX_REQUESTS = 10


@pytest.mark.parametrize(("status", "days"), [(401, 31), (403, 31), (401, 1)])
def test_refused_credentials_cost_a_few_requests_and_yield_one_error(
    warehouse: Warehouse, status: int, days: int
) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        since = str(sandbox.today() - timedelta(days=days))
        apps = [{"app_id": app_id, "collect_from": since} for app_id in sandbox.app_ids]
        certificate = "wrong" if status == 401 else sandbox.customer_certificate
        night = night_of(sandbox, warehouse, apps, customer_certificate=certificate)
        sandbox.put_faults([] if status == 401 else [{"kind": "status", "status": status}])

        planned = night.plan()

        assert not planned.app_days
        refused = "Connection agora_dashboard: the vendor refused the credentials for 5 different apps"
        assert planned.unusable.startswith(f"{refused} (HTTP {status} from the vendor: ")
        assert "Fix the connection agora_dashboard" in planned.unusable
        assert "redirect" not in planned.unusable
        requests = sandbox.stats()["by_status"]
        assert list(requests) == [str(status)]
        assert requests[str(status)] <= MAX_REQUESTS
        assert {row["state"] for row in night.coverage().values()} <= {"failed", "pending"}


@pytest.mark.parametrize("apps", [1, 2])
def test_refused_credentials_are_detected_with_one_or_two_apps(warehouse: Warehouse, apps: int) -> None:
    with running_sandbox(apps=apps, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse, customer_certificate="wrong")

        planned = night.plan()
        summary = night.collect(planned.app_days)

        assert "Fix the connection agora_dashboard" in (planned.unusable or summary.stopped)
        assert sandbox.stats()["by_status"]["401"] <= MAX_REQUESTS


def test_credentials_refused_after_a_collected_month_remove_no_points(warehouse: Warehouse) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse, settle_days=0)
        yesterday = window_days(sandbox)[-1]
        night.run()
        warehouse.run("delete from core.app_day where usage_date = %s", (yesterday,))
        before = night.points()
        sandbox.put_credentials("another", "account")
        sandbox.reset_stats()

        assert "refused the credentials for 5 different apps" in night.plan().unusable

        assert sandbox.stats()["requests"] <= MAX_REQUESTS
        assert night.points().items() >= before.items(), "a point was removed"


def test_two_accounts_do_not_stop_each_other(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as one, running_sandbox(apps=2, seed=8, quiet=True) as other:
        apps = [{"app_id": app_id, "conn_id": "other"} for app_id in other.app_ids]
        refused = night_of(one, warehouse, customer_certificate="wrong")
        refused.configured_elsewhere = other.app_ids
        night = night_of(other, warehouse, apps, conn_id="other")
        night.configured_elsewhere = one.app_ids

        _, summary = refused.run()
        assert "Fix the connection agora_dashboard" in summary.stopped
        assert one.stats()["requests"] <= MAX_REQUESTS
        night.run()
        assert night.coverage().keys() >= product(other.app_ids, window_days(other))
        collected = {key for key, state in night.states().items() if state == "collected"}
        assert collected == product(other.app_ids, window_days(other))

        refused.account = account_of(one)
        refused.run()
        assert refused.plan().app_days == []
        assert set(refused.states().values()) == {"collected"}
        assert len(refused.states()) == 2 * len(window_days(one)) + 2 * len(window_days(other))


def test_credentials_refused_during_a_run_stop_it_and_received_days_stay(warehouse: Warehouse) -> None:
    with running_sandbox(apps=20, quiet=True, latency_ms=20) as sandbox:
        night, days = night_of(sandbox, warehouse, max_concurrency=2), window_days(sandbox)
        planned = night.plan()
        sandbox.reset_stats()
        revoked = Thread(target=revoke_after, args=(sandbox, 20))
        revoked.start()

        summary = night.collect(planned.app_days)

        revoked.join()
        assert "Fix the connection agora_dashboard" in summary.stopped
        by_status = sandbox.stats()["by_status"]
        assert 0 < by_status["200"] < 20 * len(days)
        # The sum of: consecutive refusals until five apps are refused, four of which may be refused three
        # times; the confirmation by five apps and the last served one; requests in flight at the change (a
        # response with points restarts the count) and at the confirmation.
        consecutive = max(MAX_REQUESTS, REFUSALS_OF_AN_APP * (CONFIRMING_APPS - 1) + 1)
        confirming = CONFIRMING_APPS + 1
        assert by_status["401"] <= consecutive + confirming + 2 * night.account.max_concurrency
        collected = {key for key, state in night.states().items() if state == "collected"}
        assert by_status["200"] <= len(collected) <= by_status["200"] + 1, (
            "only the access check may have collected another app-day"
        )
        assert_collected(night, sandbox, collected)

        sandbox.put_credentials(sandbox.customer_id, sandbox.customer_certificate)
        night.run()
        assert_collected(night, sandbox, product(sandbox.app_ids, days))


def revoke_after(sandbox: RunningSandbox, served: int) -> None:
    while sandbox.stats()["by_status"].get("200", 0) < served:
        sleep(0.01)
    sandbox.put_credentials("another", "account")


def test_credentials_changed_between_planning_and_collecting_stop_the_account(warehouse: Warehouse) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, max_concurrency=2), window_days(sandbox)
        planned = night.plan()
        sandbox.put_credentials("another", "account")
        sandbox.reset_stats()

        summary = night.collect(planned.app_days)

        assert summary.stopped.startswith("Connection agora_dashboard: the vendor refused the credentials")
        assert sandbox.stats()["requests"] <= MAX_REQUESTS
        assert len([row for row in night.ledger().values() if row["state"] == "failed"]) <= MAX_REQUESTS
        assert len(night.coverage()) == 20 * len(days)
