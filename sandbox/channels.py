"""The channels that are being pushed, per App ID, and what was counted of the calls about them."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


class NotFoundError(LookupError):
    """A channel is not being pushed."""


class ConflictError(ValueError):
    """A channel is being pushed already."""


@dataclass
class Channel:
    """A channel that is being pushed.

    Attributes:
        app_id: Whose it is; two apps may each have a channel of the same name.
        cname: Its name.
        urls: Where the stream is pushed to.
        uids: The hosts in their order.
        started_at: The sandbox's time at the start, ISO 8601.
        key_age_seconds: How old the key was that started it.
    """

    app_id: str
    cname: str
    urls: list[str]
    uids: list[int]
    started_at: str
    key_age_seconds: float


class Channels:
    """The channels and their counts, since the start or a reset."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets every channel and everything counted."""
        self._pushed: dict[tuple[str, str], Channel] = {}
        self._effects: Counter[str] = Counter()
        self._by_status: Counter[str] = Counter()
        self._last_refusal: dict[str, Any] | None = None

    def pushed(self) -> list[Channel]:
        """Lists the channels that are being pushed, in the order of their starts."""
        return list(self._pushed.values())

    def start(self, channel: Channel) -> None:
        """Starts pushing a channel.

        Raises:
            ConflictError: It is being pushed already; nothing of that changes.
        """
        name = (channel.app_id, channel.cname)
        if name in self._pushed:
            raise ConflictError
        self._pushed[name] = channel
        self._effects["starts"] += 1

    def update(self, app_id: str, cname: str, urls: list[str] | None, uids: list[int] | None) -> Channel:
        """Replaces the addresses or the hosts of a channel; what is None stays.

        Raises:
            NotFoundError: It is not being pushed.
        """
        channel = self._pushed.get((app_id, cname))
        if channel is None:
            raise NotFoundError
        channel.urls = channel.urls if urls is None else urls
        channel.uids = channel.uids if uids is None else uids
        self._effects["updates"] += 1
        return channel

    def stop(self, app_id: str, cname: str) -> None:
        """Stops pushing a channel.

        Raises:
            NotFoundError: It is not being pushed.
        """
        if self._pushed.pop((app_id, cname), None) is None:
            raise NotFoundError
        self._effects["stops"] += 1

    def refused(self, status: int, reason: str) -> None:
        """Counts a call that was refused, and keeps why for people."""
        self._effects["refused"] += 1
        self._last_refusal = {"status": status, "reason": reason}

    def answered(self, status: str) -> None:
        """Counts an answer.

        Args:
            status: The HTTP status, or NO_ANSWER.
        """
        self._by_status[status] += 1

    def described(self) -> dict[str, Any]:
        """Everything there is, as the control call shows it."""
        return {
            "channels": [asdict(channel) for channel in self.pushed()],
            "requests": self._by_status.total(),
            "by_status": dict(self._by_status),
            **{effect: self._effects[effect] for effect in ("starts", "updates", "stops", "refused")},
            "last_refusal": self._last_refusal,
        }
