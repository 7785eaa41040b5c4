"""The error tree: one class for each remedy.

AgoraError
├── SettingsError            a connection, variable or parameter is wrong; nothing was requested
│   ├── DayNotOver           the chosen day is not over yet: request it later
│   ├── PoolMissing          tasks wait for a pool that does not exist: create it
│   └── FernetKeyChanged     a connection or variable is stored with another Fernet key: start with both keys
├── VendorError              the response to one call, or its absence
│   ├── AppRefused           401 or 403 for one App ID: check the app and its connection; other apps continue
│   ├── CredentialsRefused   401 or 403 for several apps, none served: fix the connection; the account stops
│   ├── UnknownApp           404: fix the list of apps; the app's other days are not requested
│   ├── DayRefused           400: the window's edge for an old day, a failure for a recent one
│   ├── RequestInvalid       400 of any other call: fix the request
│   ├── ChannelKeyRefused    401 of a channel's call: fix the connection, or the clock
│   ├── ChannelNotFound      404 of a channel's call: no channel with this name is pushed
│   ├── ChannelConflict      409: a channel with this name is already pushed
│   ├── OutcomeUnknown       a call that must not be repeated may have taken effect: check first
│   ├── RateLimited          only 429s, or a long Retry-After: the batch ends, the next run continues
│   ├── VendorUnavailable    5xx, timeout or network error after all retries: the next run requests it again
│   └── UnexpectedResponse   an undocumented response (redirect, oversized body, unknown status)
├── ResponseRejected         a 200 whose body breaks the vendor's contract: stored, requested again
├── ClockDiffers             two clocks differ by minutes: set the one that the message names
├── WarehouseError           the warehouse is not usable; the message names the setting to change
├── TaskOutputRemoved        XComs of the run were removed: trigger a new run
├── AppsRemoved              many apps were removed from agora_apps at once: restore them if unintended
├── DaysExpire               expected days will soon leave the vendor's window uncollected
├── DaysLost                 expected days have left the vendor's window uncollected since the last check
└── AlertNotSent             an alert was not accepted: fix the mail server or webhook that the message names

Each class has its own entry in docs/runbook.md. Messages refer to the entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from agora.domain import Cause

if TYPE_CHECKING:
    from agora.client.response import Response

RUNBOOK = "docs/runbook.md"


class AgoraError(Exception):
    """Base of all errors of this package. The text ends with the runbook entry of the class.

    Attributes:
        conn_id: Connection that the error concerns, empty without one.
    """

    def __init__(self, message: str, *, conn_id: str = "") -> None:
        super().__init__(message)
        self.conn_id = conn_id

    @property
    def cause(self) -> Cause:
        """The error's part in the identity of an incident."""
        return Cause(type(self).__name__, self.conn_id)

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}{'' if text.endswith(('.', ';', '?')) else '.'} {see([type(self)])}"


def see(kinds: Iterable[type[AgoraError]]) -> str:
    """Return a reference to the runbook entries of error classes: `See docs/runbook.md#unknown-app`."""
    entries = {runbook_entry(kind.__name__) for kind in kinds}
    return "See " + ", ".join(f"{RUNBOOK}#{entry}" for entry in sorted(entries))


def runbook_entry(kind: str) -> str:
    """Return the runbook entry of an error class: `unknown-app` for `UnknownApp`."""
    return re.sub(r"\B([A-Z])", r"-\1", kind).lower()


class SettingsError(AgoraError):
    """A connection, variable or parameter is wrong."""


class DayNotOver(SettingsError):
    """A chosen day is not over yet in the account's time zone."""


class PoolMissing(SettingsError):
    """Tasks use a pool that does not exist, so Airflow never starts them."""


class FernetKeyChanged(SettingsError):
    """A connection or variable in Airflow's database is encrypted with another Fernet key."""


class VendorError(AgoraError):
    """A request to the vendor failed.

    Attributes:
        reason: What happened, without the subject of the request.
        advice: The remedy.
        app_id: App ID of the request.
        answer: The response, None without one.
    """

    def __init__(
        self,
        reason: str,
        *,
        about: str,
        app_id: str,
        advice: str,
        answer: Response | None = None,
        conn_id: str = "",
    ) -> None:
        super().__init__(f"{about}: {reason.rstrip('.')}. {advice}", conn_id=conn_id)
        self.reason = reason
        self.advice = advice
        self.app_id = app_id
        self.answer = answer


class AppRefused(VendorError):
    """401 or 403: the vendor does not accept this App ID with the account's credentials.

    The response proves nothing about the account's other apps.
    """


class CredentialsRefused(VendorError):
    """401 or 403 for several apps of the account and no app served: the credentials are wrong."""


class UnknownApp(VendorError):
    """404: the account has no such App ID."""


class DayRefused(VendorError):
    """400: the day lies outside the vendor's window, or the request is malformed."""


class RequestInvalid(VendorError):
    """400: the request is malformed."""


class ChannelKeyRefused(VendorError):
    """401: the Channel Key is signed with another App Certificate, or too old."""


class ChannelNotFound(VendorError):
    """404: the app pushes no channel with this name."""


class ChannelConflict(VendorError):
    """409: a channel with this name is already pushed."""


class OutcomeUnknown(VendorError):
    """A POST may have reached the vendor, and it is unknown whether it took effect."""


class RateLimited(VendorError):
    """429 to a request, or to the account for so long that the request was not sent.

    Attributes:
        retry_at: End of the vendor's Retry-After in UTC, None without one.
        is_of_account: Whether every request of the account was throttled. False if others were served.
        answer: The 429, None if the request was not sent.
    """

    retry_at: datetime | None = None
    is_of_account: bool = False


class VendorUnavailable(VendorError):
    """5xx, timeout or network error after all retries."""


class UnexpectedResponse(VendorError):
    """A response that the vendor's documents do not describe."""


class ResponseRejected(AgoraError):
    """The body of a 200 breaks the vendor's contract. The message is the reason.

    The ledger stores the message with each app-day, so it has no reference to the runbook.
    """

    __str__ = Exception.__str__


class WarehouseError(AgoraError):
    """The warehouse is not usable."""


class ClockDiffers(AgoraError):
    """The clocks of the worker, the warehouse and the vendor differ by more than five minutes."""


class TaskOutputRemoved(AgoraError):
    """XComs that pass work between a run's tasks were removed."""


class AppsRemoved(AgoraError):
    """More than a fifth of the configured apps were removed from the variable agora_apps at once."""


class DaysExpire(AgoraError):
    """Expected app-days will soon leave the vendor's window and are not collected."""


class DaysLost(AgoraError):
    """Expected app-days have left the vendor's window uncollected since the last check."""


class AlertNotSent(AgoraError):
    """A mail server or a webhook did not accept an alert."""
