"""Hook for the connection type `agora_dashboard`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk.bases.hook import BaseHook
from airflow.sdk.log import mask_secret

from agora.errors import AgoraError, AppRefused, DayRefused, UnknownApp
from agora.hooks.connections import failed_test, hide_proxy, stored_connection
from agora.settings import DASHBOARD_CONN_ID

if TYPE_CHECKING:
    from agora.settings.connections import DashboardSettings

MADE_UP_APP_ID = "0" * 32


class AgoraDashboardHook(BaseHook):
    """Hook for one account of Agora's Dashboard RESTful API.

    Fields of the connection:
        host: Base URL. Default: `https://api.agora.io/dev/v2`. Plain HTTP is accepted only for this machine.
        login: Customer ID (not an App ID).
        password: Customer Certificate (not an App Certificate).
        extra.timezone: Time zone of the vendor's usage dates. Default: "UTC". Zones with summer time are
            rejected.
        extra.window: How long the vendor serves a usage date, "1 month" (default) or "N days".
        extra.requests_per_second: Maximum request rate. Default: 10, the vendor's documented limit per
            account and API. A 429 lowers the rate.
        extra.max_concurrency: Maximum number of concurrent requests. Default: 16.
        extra.settle_days: Number of days after which a usage date is settled. A date that was collected
            before it settled is requested again afterwards, because the vendor may restate it. The re-check
            costs one request per app-day. Default: 2. 0 disables the re-check.
        extra.ca_file: PEM file with the trusted certificate authorities, on every worker. Default: the
            machine's authorities. Verification cannot be disabled.
        extra.proxy: Forward proxy, `http://<user>:<password>@host:port`. Default: the environment's
            proxy (`HTTPS_PROXY`, `NO_PROXY`).

    Args:
        conn_id: The connection's name.
    """

    conn_name_attr = "conn_id"
    default_conn_name = DASHBOARD_CONN_ID
    conn_type = "agora_dashboard"
    hook_name = "Agora Dashboard"

    def __init__(self, conn_id: str = DASHBOARD_CONN_ID) -> None:
        super().__init__()
        self.conn_id = conn_id

    def get_settings(self) -> DashboardSettings:
        """Return the validated settings, and mask the connection's secrets in all later log lines.

        Raises:
            SettingsError: The connection is invalid. The message names the field.
        """
        from agora.settings.connections import parse_dashboard

        connection = stored_connection(self.conn_id, "with the type Agora Dashboard")
        settings = parse_dashboard(
            self.conn_id,
            {
                **connection.extra_dejson,
                "base_url": connection.host,
                "customer_id": connection.login,
                "customer_certificate": connection.password,
            },
        )
        _hide(settings)
        return settings

    def get_conn(self) -> DashboardSettings:
        """Return the validated settings. The client opens its own session for each batch."""
        return self.get_settings()

    def test_connection(self) -> tuple[bool, str]:
        """Test the credentials by requesting a made-up App ID.

        A 400, a 404 or data means that the vendor accepted the credentials. 401 and 403 fail the test,
        although the vendor may also return them for an App ID from another account.
        """
        try:
            return asyncio.run(_request_made_up_app(self.get_settings()))
        except AgoraError as error:
            return failed_test(error, self.conn_id)


def _hide(settings: DashboardSettings) -> None:
    for secret in settings.secrets:
        mask_secret(secret)
    hide_proxy(settings.route())


async def _request_made_up_app(settings: DashboardSettings) -> tuple[bool, str]:
    from agora.client.dashboard import DashboardClient

    yesterday = settings.today(datetime.now(UTC)) - timedelta(days=1)
    try:
        async with DashboardClient(settings) as client:
            await client.bandwidth(MADE_UP_APP_ID, yesterday, retry=False)
    except AppRefused as error:
        return False, (
            f"{settings.base_url} refused the request ({error.reason}). Check that login is the Customer ID"
            " and password the Customer Certificate. If both are right, this test is inconclusive: its App"
            " ID is made up, and the vendor may refuse an App ID from another account in the same way. A run"
            " with your own App IDs shows whether the vendor accepts the credentials."
        )
    except (UnknownApp, DayRefused) as error:
        return True, f"{settings.base_url} accepted the credentials ({error.reason}; the App ID was made up)."
    return True, f"{settings.base_url} accepted the credentials."
