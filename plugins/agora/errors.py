"""The error tree: one class for each thing a caller can do about a failure.

AgoraError
├── SettingsError            a connection, variable or parameter is wrong: mend it, nothing was asked
│   ├── DayNotOver           the day asked for by name is not over yet: ask later
│   ├── PoolMissing          tasks wait for a pool that does not exist: create it, and they run
│   └── FernetKeyChanged     a connection or variable is stored with another Fernet key: start with both keys
├── VendorError              the vendor's answer, or the lack of one, to one call
│   ├── AppRefused           401 or 403 for one App ID: check the app and its connection; the rest goes on
│   ├── CredentialsRefused   401 or 403 for several apps, none served: fix the connection; the account stops
│   ├── UnknownApp           404: mend the app list; the app's other days are not asked
│   ├── DayRefused           400: the window's edge for an old day, a fault for a recent one
│   ├── RequestInvalid       400 of any other call: mend what was asked
│   ├── ChannelKeyRefused    401 of a channel's call: mend the connection, or the clock
│   ├── ChannelNotFound      404 of a channel's call: nothing is pushed under that name
│   ├── ChannelConflict      409: something is pushed under that name already
│   ├── OutcomeUnknown       a call that is not repeated blindly may or may not have taken effect: look first
│   ├── RateLimited          nothing but 429, or a long Retry-After: the batch ends, the next run goes on
│   ├── VendorUnavailable    5xx, time-out or network, although retried: asked again by the next run
│   └── UnexpectedResponse     anything the documents do not know (redirect, oversize, odd status)
├── ResponseRejected           a 200 whose body breaks the vendor's contract: kept raw, asked again
├── ClockDiffers             two clocks are minutes apart: set the one it names right; nothing was recorded
├── WarehouseError           the warehouse cannot be used as it is: says which setting to change
├── TaskOutputRemoved             what a run's tasks left for each other was removed: trigger a new run
├── AppsRemoved                 many apps left agora_apps at a time: restore them, or leave it if it was meant
├── DaysExpire               the watch: wanted days will soon leave the vendor's window uncollected
├── DaysLost                 the watch: wanted days have left it uncollected since the last look
└── AlertNotSent             nobody could be told of a failure: mend the mail server or webhook it names

Each has an entry of its own in docs/runbook.md, to which its message points.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agora.client.response import Response

RUNBOOK = "docs/runbook.md"


class AgoraError(Exception):
    """Whatever this package raises on purpose. Its text ends with the runbook entry of its class."""

    def __str__(self) -> str:
        text = super().__str__()
        return f"{text}{'' if text.endswith(('.', ';', '?')) else '.'} {see([type(self)])}"


def see(kinds: Iterable[type[AgoraError]]) -> str:
    """Point to the runbook entries of some kinds of error, each once: `See docs/runbook.md#unknown-app`."""
    entries = {re.sub(r"\B([A-Z])", r"-\1", kind.__name__).lower() for kind in kinds}
    return "See " + ", ".join(f"{RUNBOOK}#{entry}" for entry in sorted(entries))


class SettingsError(AgoraError):
    """A connection, variable or parameter does not say what is needed."""


class DayNotOver(SettingsError):
    """A day asked for by name is not over yet in the account's time zone."""


class PoolMissing(SettingsError):
    """Tasks name a pool that does not exist in Airflow, which never starts them."""


class FernetKeyChanged(SettingsError):
    """A connection or variable in Airflow's database is encrypted with another key than Airflow has now."""


class VendorError(AgoraError):
    """The vendor did not give what was asked for.

    Attributes:
        reason: What happened, without naming what was asked.
        advice: What to do about it.
        app_id: The App ID asked about.
        answer: What came back, or None where nothing did.
        conn_id: The connection of the account; empty if unknown.
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
        super().__init__(f"{about}: {reason.rstrip('.')}. {advice}")
        self.reason = reason
        self.advice = advice
        self.app_id = app_id
        self.answer = answer
        self.conn_id = conn_id


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
    """400: the vendor calls the request malformed."""


class ChannelKeyRefused(VendorError):
    """401: the Channel Key is signed with another App Certificate, or not fresh."""


class ChannelNotFound(VendorError):
    """404: the app pushes no stream of a channel of that name."""


class ChannelConflict(VendorError):
    """409: the channel's name is taken."""


class OutcomeUnknown(VendorError):
    """A POST may have reached the vendor, and nothing says whether it took effect."""


class RateLimited(VendorError):
    """429 to a request, or to the account for so long that the request was not sent.

    Attributes:
        retry_at: Until when the vendor asked to wait, in UTC; None if it named no time.
        is_of_account: Whether the account got no other response. Otherwise its other requests were served.
        answer: The 429, or None if the request was not sent.
    """

    retry_at: datetime | None = None
    is_of_account: bool = False


class VendorUnavailable(VendorError):
    """5xx, time-out or network failure until the retries were used up."""


class UnexpectedResponse(VendorError):
    """A status or shape of answer that the vendor's documents do not know."""


class ResponseRejected(AgoraError):
    """The body of a 200 breaks the vendor's contract; the message is the reason.

    The ledger keeps it with each app-day, so it stays bare; whoever adds reasons up points to the runbook.
    """

    __str__ = Exception.__str__


class WarehouseError(AgoraError):
    """The warehouse cannot be used as it is."""


class ClockDiffers(AgoraError):
    """The clocks of the worker, the warehouse and the vendor are more than five minutes apart."""


class TaskOutputRemoved(AgoraError):
    """XComs by which a run's tasks hand over their work were removed after the run."""


class AppsRemoved(AgoraError):
    """More than a fifth of the configured apps left the variable agora_apps at a time."""


class DaysExpire(AgoraError):
    """Wanted app-days will leave the vendor's window soon, and nobody has collected them."""


class DaysLost(AgoraError):
    """Wanted app-days have left the vendor's window uncollected since the watch looked last."""


class AlertNotSent(AgoraError):
    """A mail server or a webhook did not take an alert; what it is about has failed all the same."""
