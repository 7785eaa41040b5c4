"""The sandbox's settings as validated values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.credentials import Credentials
from sandbox.traffic.apps import MOST_APPS
from sandbox.window import Window

if TYPE_CHECKING:
    from sandbox.http.https import Https


@dataclass(frozen=True, kw_only=True)
class Config:
    """The settings with which a sandbox starts.

    Attributes:
        credentials: The Customer ID and Customer Certificate.
        port: The port to listen on. 0 selects a free port.
        https: The HTTPS settings. None serves plain HTTP on 127.0.0.1 only.
        apps: The number of generated apps.
        seed: The seed for the App IDs and the traffic.
        traffic: A CSV file with recorded traffic, served as an additional app.
        clock: The initial time. None means real time.
        timezone: The time zone in which days begin and end.
        window: The vendor window, "N days" or "1 month".
        rate_limit_per_second: Dashboard API requests per second. 0 means unlimited.
        retry_after_seconds: The Retry-After header for 429s. None omits the header.
        faults: The fault script, decoded from JSON.
        latency_ms: The delay for every response that imitates the vendor.
    """

    credentials: Credentials
    port: int = 8090
    https: Https | None = None
    apps: int = 20
    seed: int = 7
    traffic: Path | None = None
    clock: datetime | None = None
    timezone: str = "UTC"
    window: str = "1 month"
    rate_limit_per_second: float = 10
    retry_after_seconds: int | None = None
    faults: Sequence[dict[str, Any]] = field(default_factory=tuple)
    latency_ms: float = 0

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"The port must be from 0 to 65535, not {self.port}.")
        if not 0 <= self.apps <= MOST_APPS or (self.apps == 0 and self.traffic is None):
            raise ValueError(f"The number of apps must be from 1 to {MOST_APPS}, or 0 with a traffic file.")
        if not 0 <= self.latency_ms <= 60_000:
            raise ValueError(f"The latency must be from 0 to 60000 ms, not {self.latency_ms}.")
        if self.retry_after_seconds is not None and self.retry_after_seconds < 0:
            raise ValueError("Retry-After must be zero or more seconds.")
        Window.parse(self.window)
        _ = self.zone

    @property
    def zone(self) -> ZoneInfo:
        """The time zone as a `ZoneInfo`."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
            raise ValueError(f"Unknown time zone: {self.timezone!r}.") from problem
