"""Exception hierarchy with one class per remedy.

AgoraError
├── SettingsError            a connection, variable or parameter is invalid: nothing was requested
│   ├── SelectionInvalid     the chosen days or apps cannot be requested: choose others
│   ├── BillNotFinal         a bill to close is not final: collect the missing days, or set force
│   ├── PoolMissing          tasks wait for a pool that does not exist: create it
│   └── FernetKeyChanged     a connection or variable is encrypted with another Fernet key: use both keys
├── VendorError              a request failed or got no response
│   ├── AppRefused           401 or 403 for one App ID: check the app and its connection; other apps continue
│   ├── CredentialsRefused   401 or 403 for several apps, none served: fix the connection; requests stop
│   ├── UnknownApp           404: fix the list of apps; the app's other days are not requested
│   ├── DayRefused           400: the edge of the vendor window for an old day, a failure for a recent day
│   ├── RequestInvalid       400 for any other call: fix the request
│   ├── ChannelKeyRefused    401 for a channel call: fix the connection or the clock
│   ├── ChannelNotFound      404 for a channel call: no channel with this name is being pushed
│   ├── ChannelConflict      409: a channel with this name is already being pushed
│   ├── OutcomeUnknown       a call that is unsafe to repeat may have taken effect: check first
│   ├── RateLimited          only 429s, or a long Retry-After: the batch ends and the next run continues
│   ├── VendorUnavailable    5xx, timeout or network error after all retries: the next run tries again
│   └── UnexpectedResponse   an undocumented response (redirect, oversized body, unknown status)
├── ResponseRejected         a 200 whose body breaks the vendor's contract: stored and requested again
├── ClockDiffers             two clocks differ by minutes: correct the clock named in the message
├── WarehouseError           the warehouse is unusable: change the setting named in the message
├── TaskOutputRemoved        the run's XComs were removed: trigger a new run
├── AppsRemoved              many apps were removed from agora_apps at once: restore them if unintended
├── DaysExpire               expected days will soon leave the vendor window uncollected
├── DaysLost                 expected days have left the vendor window uncollected since the last check
└── AlertNotSent             an alert was not accepted: fix the mail server or webhook named in the message

Each class has an entry in docs/runbook.md. The error messages refer to that entry.
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
    """Base class for this package's errors. `str()` ends with a reference to the class's runbook entry.

    Attributes:
        conn_id: Connection that the error concerns. Empty if there is none.
    """

    def __init__(self, message: str, *, conn_id: str = "") -> None:
        super().__init__(message)
        self.conn_id = conn_id

    @property
    def cause(self) -> Cause:
        """Cause of the failed run, which helps to identify its incident."""
        return Cause(type(self).__name__, self.conn_id)

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}{'' if text.endswith(('.', ';', '?')) else '.'} {see([type(self)])}"


def see(kinds: Iterable[type[AgoraError]]) -> str:
    """Return a reference to error classes' runbook entries, such as `See docs/runbook.md#unknown-app`."""
    entries = {runbook_entry(kind.__name__) for kind in kinds}
    return "See " + ", ".join(f"{RUNBOOK}#{entry}" for entry in sorted(entries))


def runbook_entry(kind: str) -> str:
    """Return the runbook entry for an error class, such as `unknown-app` for `UnknownApp`."""
    return re.sub(r"\B([A-Z])", r"-\1", kind).lower()


class SettingsError(AgoraError):
    """A connection, variable or parameter is invalid."""


class SelectionInvalid(SettingsError):
    """The days or apps chosen in a trigger form cannot be requested. The run is skipped and does not fail."""


class BillNotFinal(SettingsError):
    """A bill was not closed because it is not final. Bills of other groups may have been closed."""


class PoolMissing(SettingsError):
    """Tasks use a pool that does not exist, so Airflow never starts them."""


class FernetKeyChanged(SettingsError):
    """A connection or variable in Airflow's database is encrypted with another Fernet key."""


class VendorError(AgoraError):
    """A request to the vendor failed.

    Attributes:
        reason: Description of the failure, without the subject of the request.
        advice: The remedy.
        app_id: App ID of the request.
        answer: The response, or None if none arrived.
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
    """The vendor returned 401 or 403 for several apps of the account and served none: wrong credentials."""


class UnknownApp(VendorError):
    """404: the account has no such App ID."""


class DayRefused(VendorError):
    """400: the day is outside the vendor window, or the request is malformed."""


class RequestInvalid(VendorError):
    """400: the request is malformed."""


class ChannelKeyRefused(VendorError):
    """401: the Channel Key is signed with another App Certificate or is too old."""


class ChannelNotFound(VendorError):
    """404: the app is not pushing a channel with this name."""


class ChannelConflict(VendorError):
    """409: a channel with this name is already being pushed."""


class OutcomeUnknown(VendorError):
    """A POST may have reached the vendor, and it is unknown whether it took effect."""


class RateLimited(VendorError):
    """A request got a 429, or was not sent because the account has been throttled for too long.

    Attributes:
        retry_at: End of the vendor's Retry-After in UTC, or None if there is none.
        is_of_account: Whether all requests to the account were throttled. False if some were served.
        answer: The 429 response, or None if the request was not sent.
    """

    retry_at: datetime | None = None
    is_of_account: bool = False


class VendorUnavailable(VendorError):
    """5xx, timeout or network error after all retries."""


class UnexpectedResponse(VendorError):
    """A response that the vendor's documents do not describe."""


class ResponseRejected(AgoraError):
    """The body of a 200 response breaks the vendor's contract. The message is the reason.

    The ledger stores the message with each app-day, so the message has no reference to the runbook.
    """

    __str__ = Exception.__str__


class WarehouseError(AgoraError):
    """The warehouse is unusable."""


class ClockDiffers(AgoraError):
    """The clocks of the worker, the warehouse and the vendor differ by more than five minutes."""


class TaskOutputRemoved(AgoraError):
    """XComs that pass work between a run's tasks were removed."""


class AppsRemoved(AgoraError):
    """More than a fifth of the configured apps were removed from the `agora_apps` variable at once."""


class DaysExpire(AgoraError):
    """Expected app-days will soon leave the vendor window and have not been collected."""


class DaysLost(AgoraError):
    """Expected app-days have left the vendor window uncollected since the last check."""


class AlertNotSent(AgoraError):
    """A mail server or a webhook did not accept an alert."""
