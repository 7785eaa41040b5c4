"""The open-state calls: querying whether push-streaming is enabled, and applying for it."""

from __future__ import annotations

import pytest

from agora.errors import AppRefused, OutcomeUnknown, RateLimited, VendorError, VendorUnavailable
from tests.contract.dashboard_api import DashboardApi
from tests.support.sandbox_server import RunningSandbox

OPEN_STATE = "pushstream/openstate"


def test_the_state_is_returned_as_json(dashboard: DashboardApi) -> None:
    reply = dashboard.get(OPEN_STATE)
    assert reply.status == 200
    assert isinstance(reply.json()["enable"], bool)


def test_the_product_reads_the_same_state(dashboard: DashboardApi) -> None:
    is_open = dashboard.run(lambda client: client.push_stream_is_open(dashboard.app_id))
    assert is_open is dashboard.get(OPEN_STATE).json()["enable"]


@pytest.mark.parametrize("is_open", [True, False])
def test_true_is_open_and_false_is_not(
    dashboard: DashboardApi, sandbox: RunningSandbox, is_open: bool
) -> None:
    sandbox.put_open_states({dashboard.app_id: is_open})
    assert dashboard.run(lambda client: client.push_stream_is_open(dashboard.app_id)) is is_open


def test_a_query_changes_nothing(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    dashboard.run(lambda client: client.push_stream_is_open(dashboard.app_id))
    assert not any(sandbox.open_states().values())


@pytest.mark.usefixtures("changes_allowed")
def test_an_application_returns_json(dashboard: DashboardApi) -> None:
    reply = dashboard.post(OPEN_STATE)
    assert reply.status == 200
    assert isinstance(reply.json()["enable"], bool)


@pytest.mark.usefixtures("changes_allowed")
def test_a_successful_application_opens_the_app(dashboard: DashboardApi) -> None:
    if dashboard.run(lambda client: client.apply_for_push_stream(dashboard.app_id)):
        assert dashboard.run(lambda client: client.push_stream_is_open(dashboard.app_id))


@pytest.mark.parametrize("granted", [True, False])
def test_the_response_states_whether_the_application_succeeded(
    dashboard: DashboardApi, sandbox: RunningSandbox, granted: bool
) -> None:
    sandbox.put_open_grants(granted)
    assert dashboard.run(lambda client: client.apply_for_push_stream(dashboard.app_id)) is granted
    assert sandbox.open_states()[dashboard.app_id] is granted


@pytest.mark.usefixtures("changes_allowed")
def test_a_wrong_certificate_cannot_apply(dashboard: DashboardApi) -> None:
    with pytest.raises(AppRefused):
        dashboard.run(
            lambda client: client.apply_for_push_stream(dashboard.app_id), customer_certificate="0" * 32
        )


def test_an_unknown_call_is_404(dashboard: DashboardApi) -> None:
    assert dashboard.get("pushstream/no-such-state").status == 404


def test_an_unknown_app_has_no_state(dashboard: DashboardApi) -> None:
    with pytest.raises(VendorError) as refused:
        dashboard.run(lambda client: client.push_stream_is_open("f" * 32))
    assert refused.value.answer is not None
    assert refused.value.answer.status in (400, 401, 404)


@pytest.mark.usefixtures("changes_allowed")
def test_an_application_for_an_unknown_app_is_refused(dashboard: DashboardApi) -> None:
    with pytest.raises(VendorError) as refused:
        dashboard.run(lambda client: client.apply_for_push_stream("f" * 32))
    assert refused.value.answer is not None
    assert refused.value.answer.status in (400, 401, 404)


@pytest.mark.usefixtures("short_give_up")
def test_429s_and_500s_are_reported(dashboard: DashboardApi, sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"call": "open_state", "kind": "status", "status": 500}])
    with pytest.raises(VendorUnavailable):
        dashboard.run(lambda client: client.push_stream_is_open(dashboard.app_id, retry=False))
    with pytest.raises(OutcomeUnknown):
        dashboard.run(lambda client: client.apply_for_push_stream(dashboard.app_id))
    sandbox.put_faults([{"call": "open_state", "kind": "status", "status": 429}])
    with pytest.raises(RateLimited):
        dashboard.run(lambda client: client.push_stream_is_open(dashboard.app_id))
