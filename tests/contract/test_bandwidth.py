"""The bandwidth call: one App ID's five-minute points of one day."""

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
A_DAY = TODAY - timedelta(days=2)  # over in every time zone, and inside any month
BEFORE_ANY_MONTH = TODAY - timedelta(days=62)


@pytest.fixture(scope="module")
def day(dashboard: DashboardApi) -> Reply:
    """Return one day as plain HTTP gets it."""
    return dashboard.get(f"usages/bandwidth?date={A_DAY:%Y%m%d}")


def test_a_day_is_answered_in_json(day: Reply) -> None:
    assert day.status == 200
    assert {"date", "unit", "value"} <= day.json().keys()


def test_the_answer_is_of_the_day_asked_for_and_spells_it_with_dashes(day: Reply) -> None:
    assert day.json()["date"] == A_DAY.isoformat()


def test_the_unit_is_kbps(day: Reply) -> None:
    assert day.json()["unit"] == "kbps"


def test_points_are_numbers_by_their_five_minutes(day: Reply) -> None:
    points = day.json()["value"]
    assert points.keys() <= set(LABELS)
    assert all(type(kbps) in (int, float) for kbps in points.values())


def test_the_product_reads_a_day(dashboard: DashboardApi) -> None:
    answer = dashboard.ask(lambda client: client.bandwidth(dashboard.app_id, A_DAY))
    assert answer.status == 200
    assert len(decode(answer.body, A_DAY)) == len(LABELS)


def test_the_product_asks_for_one_app_and_one_day_a_call(
    dashboard: DashboardApi, sandbox: RunningSandbox
) -> None:
    days = [A_DAY, A_DAY - timedelta(days=1)]

    async def asked(client: DashboardClient) -> None:
        for app_id in sandbox.app_ids:
            for usage_date in days:
                decode((await client.bandwidth(app_id, usage_date)).body, usage_date)

    dashboard.ask(asked)
    once_each = {app_id: {str(usage_date): 1 for usage_date in days} for app_id in sandbox.app_ids}
    assert sandbox.stats()["usage_dates"] == once_each


def test_without_a_date_the_answer_is_of_yesterday(dashboard: DashboardApi) -> None:
    yesterday = date.fromisoformat(dashboard.get("usages/bandwidth").json()["date"])
    # Whose yesterday, the document does not say: somewhere on Earth it is that day's morrow.
    assert TODAY - timedelta(days=2) <= yesterday <= TODAY


def test_a_day_of_another_spelling_is_refused(dashboard: DashboardApi) -> None:
    assert dashboard.get(f"usages/bandwidth?date={A_DAY:%d%b%Y}").status == 400


def test_a_day_before_the_last_month_is_refused(dashboard: DashboardApi) -> None:
    with pytest.raises(DayRefused) as refused:
        dashboard.ask(lambda client: client.bandwidth(dashboard.app_id, BEFORE_ANY_MONTH))
    assert refused.value.answer is not None
    assert refused.value.answer.status == 400


def test_a_wrong_certificate_gets_no_day(dashboard: DashboardApi) -> None:
    with pytest.raises(AppRefused):
        dashboard.ask(lambda client: client.bandwidth(dashboard.app_id, A_DAY), customer_certificate="0" * 32)


def test_what_is_no_call_is_404(dashboard: DashboardApi) -> None:
    assert dashboard.get("usages/no-such-usage").status == 404


def test_an_app_of_nobody_is_refused_in_a_documented_way(dashboard: DashboardApi) -> None:
    # 401 speaks of an App ID that does not match, 404 of a wrong call: which of them, nobody says.
    with pytest.raises(VendorError) as refused:
        dashboard.ask(lambda client: client.bandwidth("f" * 32, A_DAY))
    assert refused.value.answer is not None
    assert refused.value.answer.status in (400, 401, 404)


def test_a_429_slows_down_and_is_asked_again(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 429, "times": 2}])
    answer = dashboard.ask(lambda client: client.bandwidth(dashboard.app_id, A_DAY))
    assert answer.status == 200
    assert sandbox.stats()["by_status"] == {"429": 2, "200": 1}


@pytest.mark.usefixtures("quickly_given_up")
def test_429s_without_end_are_told(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 429}])
    with pytest.raises(RateLimited, match="Lower requests_per_second in the connection contract"):
        dashboard.ask(lambda client: client.bandwidth(dashboard.app_id, A_DAY))


def test_a_500_is_told(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "status", "status": 500}])
    with pytest.raises(VendorUnavailable, match="HTTP 500"):
        dashboard.ask(lambda client: client.bandwidth(dashboard.app_id, A_DAY, retry=False))
