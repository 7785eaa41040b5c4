"""A wrong certificate shows at once, costs one request, and stops its own account only."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agora.errors import CredentialsRefused
from sandbox.testing import running_sandbox
from tests.collect.night import account_of, assert_true, night_of, product, window_days
from tests.warehouse.database import Warehouse


@pytest.mark.parametrize("days", [45, 31, 1])
def test_a_wrong_certificate_is_exactly_one_request(warehouse: Warehouse, days: int) -> None:
    with running_sandbox(apps=20, quiet=True) as sandbox:
        since = str(sandbox.today() - timedelta(days=days))
        apps = [{"app_id": app_id, "collect_from": since} for app_id in sandbox.app_ids]
        night = night_of(sandbox, warehouse, apps, customer_certificate="wrong")
        planned = night.plan()
        assert planned.app_days == []
        assert planned.lost == []
        assert "connection agora_dashboard: HTTP 401" in planned.unusable
        assert "Mend the connection agora_dashboard" in planned.unusable
        assert sandbox.stats()["by_status"] == {"401": 1}
        assert night.states() == {}, "nobody's days failed: nobody was asked"


def test_two_accounts_do_not_stop_each_other(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as one, running_sandbox(apps=2, seed=8, quiet=True) as other:
        apps = [{"app_id": app_id, "conn_id": "other"} for app_id in other.app_ids]
        refused = night_of(one, warehouse, customer_certificate="wrong")
        night = night_of(other, warehouse, apps, conn_id="other")

        assert refused.plan().unusable
        night.run()

        assert_true(night, other, product(other.app_ids, window_days(other)))
        assert one.stats()["requests"] == 1

        refused.account = account_of(one)
        refused.run()
        assert refused.plan().app_days == []
        assert len(night.states()) == 2 * len(window_days(one)) + 2 * len(window_days(other))


def test_credentials_refused_during_a_run_stop_it_and_keep_what_had_arrived(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse, max_concurrency=1), window_days(sandbox)
        planned = night.plan()
        fault = {"kind": "status", "status": 401, "usage_date": str(days[10])}
        sandbox.put_faults([fault])
        sandbox.reset_stats()

        with pytest.raises(CredentialsRefused, match="Mend the connection agora_dashboard"):
            night.collect(planned.app_days)

        assert_true(night, sandbox, product(sandbox.app_ids, days[:10]))
        assert sandbox.stats()["by_status"] == {"200": 20, "401": 1}
        refused = night.ledger()[sandbox.app_ids[0], days[10]]
        assert (refused["state"], refused["http_status"]) == ("failed", 401)
        assert [row["http_status"] for row in night.raw(sandbox.app_ids[0], days[10])] == [401]
        assert len(night.states()) == 21, "nobody else failed: nobody else was asked"
        sandbox.put_faults([])
        night.run()
        assert_true(night, sandbox, product(sandbox.app_ids, days))
