"""Authentication at the Dashboard API: only the Customer ID with its certificate is accepted."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from agora.errors import AppRefused
from agora.urls import is_loopback
from tests.contract.dashboard_api import DashboardApi, basic

WRONG = SecretStr("0" * 32)


def test_requests_use_https(dashboard: DashboardApi) -> None:
    parts = urlsplit(dashboard.settings().base_url)
    assert parts.scheme == "https" or is_loopback(parts.hostname or "")


def test_a_request_without_credentials_is_refused(dashboard: DashboardApi) -> None:
    assert dashboard.get_as(None, "pushstream/openstate").status == 401


def test_a_wrong_certificate_is_refused(dashboard: DashboardApi) -> None:
    with pytest.raises(AppRefused) as refused:
        dashboard.run(
            lambda client: client.push_stream_is_open(dashboard.app_id),
            customer_certificate=WRONG.get_secret_value(),
        )
    assert refused.value.answer is not None
    assert refused.value.answer.status == 401


def test_app_id_and_app_certificate_are_not_accepted_as_credentials(dashboard: DashboardApi) -> None:
    dashboard.target.require("APP_CERTIFICATE")
    app = basic(dashboard.app_id, SecretStr(dashboard.target.value("APP_CERTIFICATE")))
    assert dashboard.get_as(app, "pushstream/openstate").status == 401
