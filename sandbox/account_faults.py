"""The kinds of fault that change the account's rules for an app: its window, and its membership."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sandbox.answers import BASIC_CHALLENGE, Answer, Failure, error
from sandbox.call import Call
from sandbox.fault import Fault, FaultError, Stage, demand
from sandbox.window import Window

_FOREIGN_STATUSES = (401, 403)


@dataclass(frozen=True)
class WindowFault(Fault):
    """Replaces the vendor window, which may become shorter or longer. Older days get 400."""

    kind: ClassVar[str] = "window"
    calls: ClassVar[tuple[Call, ...]] = (Call.BANDWIDTH,)
    window: str

    def __post_init__(self) -> None:
        demand(isinstance(self.window, str), 'window must be a string: "N days" or "1 month"')
        try:
            Window.parse(self.window)
        except ValueError as problem:
            raise FaultError(f'window must be "N days" or "1 month", not {self.window!r}') from problem


@dataclass(frozen=True)
class ForeignFault(Fault):
    """Returns 401 (default) or 403, as for an App ID of another account.

    Requires app or app_id. The app_id may be unknown to this account; without this fault, the response for
    such an App ID is 404.
    """

    kind: ClassVar[str] = "foreign"
    calls: ClassVar[tuple[Call, ...]] = (Call.BANDWIDTH, Call.OPEN_STATE)
    stage: ClassVar[Stage] = Stage.APP_ID
    status: int = 401

    def __post_init__(self) -> None:
        demand(self.status in _FOREIGN_STATUSES, "status must be 401 or 403")

    def instead(self, failure: Failure = error) -> Answer:
        """Return the vendor's documented meaning of 401."""
        headers = BASIC_CHALLENGE if self.status == 401 else {}
        return failure(self.status, "The App ID and the Customer Certificate do not match.", dict(headers))
