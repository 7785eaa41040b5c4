"""The active channels of each app, and the channel request counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any


class NotFoundError(LookupError):
    """The app has no active channel with this name."""


class ConflictError(ValueError):
    """The app already has an active channel with this name."""


@dataclass
class Channel:
    """An active channel.

    Attributes:
        app_id: The App ID. Two apps can each have a channel with the same name.
        cname: The channel name.
        urls: The stream URLs.
        uids: The hosts, in order.
        started_at: The time on the sandbox's clock when the channel started, in ISO 8601 format.
        key_age_seconds: The age of the Channel Key when the channel started.
    """

    app_id: str
    cname: str
    urls: list[str]
    uids: list[int]
    started_at: str
    key_age_seconds: float


class Channels:
    """The active channels, and the counts since the start or the last reset."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Delete all channels and counts."""
        self._active: dict[tuple[str, str], Channel] = {}
        self._effects: Counter[str] = Counter()
        self._by_status: Counter[str] = Counter()
        self._last_refusal: dict[str, Any] | None = None

    def active(self) -> list[Channel]:
        """Return the active channels in the order in which they started."""
        return list(self._active.values())

    def start(self, channel: Channel) -> None:
        """Start a channel.

        Raises:
            ConflictError: The channel is already active. It stays unchanged.
        """
        key = (channel.app_id, channel.cname)
        if key in self._active:
            raise ConflictError
        self._active[key] = channel
        self._effects["starts"] += 1

    def update(self, app_id: str, cname: str, urls: list[str] | None, uids: list[int] | None) -> Channel:
        """Replace the stream URLs or the hosts of a channel. None leaves them unchanged.

        Raises:
            NotFoundError: The channel is not active.
        """
        channel = self._active.get((app_id, cname))
        if channel is None:
            raise NotFoundError
        channel.urls = channel.urls if urls is None else urls
        channel.uids = channel.uids if uids is None else uids
        self._effects["updates"] += 1
        return channel

    def stop(self, app_id: str, cname: str) -> None:
        """Stop a channel.

        Raises:
            NotFoundError: The channel is not active.
        """
        if self._active.pop((app_id, cname), None) is None:
            raise NotFoundError
        self._effects["stops"] += 1

    def count_refusal(self, status: int, reason: str) -> None:
        """Count a refused request, and record the reason."""
        self._effects["refused"] += 1
        self._last_refusal = {"status": status, "reason": reason}

    def count_response(self, status: str) -> None:
        """Count a response under its HTTP status or NO_RESPONSE."""
        self._by_status[status] += 1

    def to_dict(self) -> dict[str, Any]:
        """Return the channels and the counts for `/_sandbox/channels`."""
        return {
            "channels": [asdict(channel) for channel in self.active()],
            "requests": self._by_status.total(),
            "by_status": dict(self._by_status),
            **{effect: self._effects[effect] for effect in ("starts", "updates", "stops", "refused")},
            "last_refusal": self._last_refusal,
        }
