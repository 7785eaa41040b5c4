"""The vendor's calls as a fault script names them, and one received call as faults see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Call(StrEnum):
    """The vendor's calls, as a script names them."""

    BANDWIDTH = "bandwidth"
    OPEN_STATE = "open_state"
    CHANNEL = "channel"


@dataclass(frozen=True)
class ReceivedCall:
    """One call as far as the sandbox has read it.

    Attributes:
        call: The vendor's call.
        method: The HTTP method.
        app_id: The App ID. None if the call failed before its App ID was read.
        usage_date: The usage date. None if the call has none or failed before the date was read.
    """

    call: Call
    method: str
    app_id: str | None
    usage_date: date | None = None
