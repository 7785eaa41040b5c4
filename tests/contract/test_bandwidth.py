"""The bandwidth call: the five-minute points of one App ID on one day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from agora.bandwidth.decode import decode
from agora.client.dashboard import DashboardClient
from agora.domain import LABELS
from agora.errors import AppRefused, DayRefused, RateLimited, VendorError, VendorUnavailable
from tests.contract.dashboard_api import DashboardApi
from tests.contract.plain_http import Reply
from tests.support.sandbox_server import RunningSandbox

TODAY = datetime.now(UTC).date()
A_DAY = TODAY - timedelta(days=2)  # has ended in every time zone, and is within the last month
BEFORE_ANY_MONTH = TODAY - timedelta(days=62)


@pytest.fixture(scope="module")
def day(dashboard: DashboardApi) -> Reply:
    """Return the response for one day over plain HTTP."""
    return dashboard.get(f"usages/bandwidth?date={A_DAY:%Y%m%d}")


def test_a_day_is_returned_as_json(day: Reply) -> None:
    assert day.status == 200
    assert {"date", "unit", "value"} <= day.json().keys()


def test_the_response_has_the_requested_date_with_dashes(day: Reply) -> None:
    assert day.json()["date"] == A_DAY.isoformat()


def test_the_unit_is_kbps(day: Reply) -> None:
    assert day.json()["unit"] == "kbps"


def test_points_are_numbers_with_five_minute_labels(day: Reply) -> None:
    points = day.json()["value"]
    assert points.keys() <= set(LABELS)
    assert all(type(kbps) in (int, float) for kbps in points.values())


def test_the_product_reads_a_day(dashboard: DashboardApi) -> None:
    response = dashboard.run(lambda client: client.bandwidth(dashboard.app_id, A_DAY))
    assert response.status == 200
    assert len(decode(response.body, A_DAY)) == len(LABELS)


def test_the_product_requests_one_app_and_one_day_per_call(
    dashboard: DashboardApi, sandbox: RunningSandbox
) -> None:
    days = [A_DAY, A_DAY - timedelta(days=1)]

    async def fetch_all(client: DashboardClient) -> None:
        for app_id in sandbox.app_ids:
            for usage_date in days:
                decode((await client.bandwidth(app_id, usage_date)).body, usage_date)

    dashboard.run(fetch_all)
    once_each = {app_id: {str(usage_date): 1 for usage_date in days} for app_id in sandbox.app_ids}
    assert sandbox.stats()["usage_dates"] == once_each


def test_the_default_date_is_yesterday(dashboard: DashboardApi) -> None:
    yesterday = date.fromisoformat(dashboard.get("usages/bandwidth").json()["date"])
    # The document does not state the time zone. These dates are yesterday in some time zone.
    assert TODAY - timedelta(days=2) <= yesterday <= TODAY


def test_a_date_in_another_format_is_refused(dashboard: DashboardApi) -> None:
    assert dashboard.get(f"usages/bandwidth?date={A_DAY:%d%b%Y}").status == 400


def test_a_day_before_the_last_month_is_refused(dashboard: DashboardApi) -> None:
    with pytest.raises(DayRefused) as refused:
        dashboard.run(lambda client: client.bandwidth(dashboard.app_id, BEFORE_ANY_MONTH))
    assert refused.value.answer is not None
    assert refused.value.answer.status == 400


def test_a_wrong_certificate_gets_no_day(dashboard: DashboardApi) -> None:
    with pytest.raises(AppRefused):
        dashboard.run(lambda client: client.bandwidth(dashboard.app_id, A_DAY), customer_certificate="0" * 32)


def test_an_unknown_call_is_404(dashboard: DashboardApi) -> None:
    assert dashboard.get("usages/no-such-usage").status == 404


def test_an_unknown_app_is_refused_with_a_documented_status(dashboard: DashboardApi) -> None:
    # The document does not state whether this is a 401 (the App ID does not match) or a 404 (no such call).
    with pytest.raises(VendorError) as refused:
        dashboard.run(lambda client: client.bandwidth("f" * 32, A_DAY))
    assert refused.value.answer is not None
    assert refused.value.answer.status in (400, 401, 404)


def test_a_429_is_retried(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 429, "times": 2}])
    response = dashboard.run(lambda client: client.bandwidth(dashboard.app_id, A_DAY))
    assert response.status == 200
    assert sandbox.stats()["by_status"] == {"429": 2, "200": 1}


@pytest.mark.usefixtures("short_give_up")
def test_persistent_429s_are_reported(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 429}])
    with pytest.raises(RateLimited, match="Lower requests_per_second in the connection contract"):
        dashboard.run(lambda client: client.bandwidth(dashboard.app_id, A_DAY))


def test_a_500_is_reported(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 500}])
    with pytest.raises(VendorUnavailable, match="HTTP 500"):
        dashboard.run(lambda client: client.bandwidth(dashboard.app_id, A_DAY, retry=False))
