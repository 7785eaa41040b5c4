"""The Dashboard RESTful API: its calls, and what each status means (vendor's document, sections 3 and 6)."""

from __future__ import annotations

from datetime import date
from types import TracebackType
from urllib.parse import quote

from agora.errors import (
    CredentialsRefused,
    DayRefused,
    RateLimited,
    UnexpectedAnswer,
    UnknownApp,
    VendorError,
    VendorUnavailable,
)
from agora.settings import DashboardSettings
from agora.vendor.answer import Answer
from agora.vendor.no_answer import NoAnswer
from agora.vendor.pacer import Turns
from agora.vendor.timeouts import TIMEOUTS, Timeouts
from agora.vendor.transport import Transport

ASKED_AGAIN = "It is asked again by the next run."


class DashboardClient:
    """The Dashboard API of one vendor account, as an asynchronous context manager.

    Args:
        settings: The account.
        pacer: Shared with other clients of the same account; by default one of its own.
        timeouts: How long one request may take.
    """

    def __init__(
        self, settings: DashboardSettings, *, pacer: Turns | None = None, timeouts: Timeouts = TIMEOUTS
    ) -> None:
        self.settings = settings
        self.transport = Transport(settings, pacer=pacer, timeouts=timeouts)

    async def __aenter__(self) -> DashboardClient:
        await self.transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.transport.__aexit__(kind, error, trace)

    async def bandwidth(self, app_id: str, usage_date: date, *, retry: bool = True) -> Answer:
        """Ask for the 288 five-minute points of one App ID and one usage date.

        The request spells the date YYYYMMDD. The body of the answer is not looked at here.

        Args:
            app_id: The vendor's App ID.
            usage_date: A day in the vendor's time zone.
            retry: False asks once only.

        Raises:
            CredentialsRefused: 401.
            UnknownApp: 404.
            DayRefused: 400.
            RateLimited: 429 to the end.
            VendorUnavailable: 5xx or no answer to the end.
            UnexpectedAnswer: Any other status, or a body that could not be received whole.
        """
        path = f"apps/{quote(app_id, safe='')}/usages/bandwidth"
        try:
            answer = await self.transport.get(path, {"date": usage_date.strftime("%Y%m%d")}, retry=retry)
        except NoAnswer as error:
            raise VendorUnavailable(
                f"no answer from {self.settings.base_url}: {error}",
                app_id=app_id,
                usage_date=usage_date,
                conn_id=self.settings.conn_id,
                advice=(error.advice or ASKED_AGAIN).format(conn_id=self.settings.conn_id),
                answer=error.answer,
            ) from None
        if 200 <= answer.status < 300:
            return answer
        kind, advice = _meaning(answer.status)
        raise kind(
            f"HTTP {answer.status}, the vendor says: {answer.said()}",
            app_id=app_id,
            usage_date=usage_date,
            conn_id=self.settings.conn_id,
            advice=advice.format(conn_id=self.settings.conn_id),
            answer=answer,
        )


def _meaning(status: int) -> tuple[type[VendorError], str]:
    if status == 401:
        return CredentialsRefused, (
            "Mend the connection {conn_id}: login is the Customer ID, password the Customer Certificate"
            " (neither is the App ID or App Certificate)."
        )
    if status == 404:
        return (
            UnknownApp,
            "Check the App ID in the variable agora_apps, and which connection its account needs.",
        )
    if status == 400:
        return DayRefused, (
            "The day is outside the vendor's window, or the request is malformed. If the vendor shows days"
            " for a shorter time than the connection {conn_id} says, set its window."
        )
    if status == 429:
        return RateLimited, "Lower requests_per_second of the connection {conn_id}, or wait for the next run."
    if status >= 500:
        return VendorUnavailable, ASKED_AGAIN
    return UnexpectedAnswer, "Check host of the connection {conn_id}: redirects are not followed."
