"""The sandbox's settings as values, checked once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.catalogue import MOST_APPS
from sandbox.credentials import Credentials
from sandbox.https import Https
from sandbox.window import Window


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything a sandbox is started with.

    Attributes:
        credentials: What callers must know.
        port: The port; 0 picks a free one.
        https: How other machines reach it; None is plain HTTP on 127.0.0.1.
        apps: How many apps the account has.
        seed: Decides App IDs and traffic.
        traffic: A CSV file whose traffic becomes one further app.
        clock: Where the clock starts; None is real time.
        timezone: The zone in which days begin and end.
        window: "N days" or "1 month".
        rate_limit_per_second: Calls of the Dashboard API a second; 0 is no limit.
        retry_after_seconds: What a 429 tells in Retry-After; None leaves the header out.
        faults: The script of faults, as JSON has it.
        latency_ms: How long each answer of the vendor's calls is held back.
        access_log: Whether calls are logged.
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
    access_log: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise ValueError(f"The port is a number from 0 to 65535, not {self.port}.")
        if not 0 <= self.apps <= MOST_APPS or (self.apps == 0 and self.traffic is None):
            raise ValueError(f"The number of apps is from 1 to {MOST_APPS}, or 0 beside a traffic file.")
        if not 0 <= self.latency_ms <= 60_000:
            raise ValueError(f"The latency is from 0 to 60000 ms, not {self.latency_ms}.")
        if self.retry_after_seconds is not None and self.retry_after_seconds < 0:
            raise ValueError("Retry-After is a number of seconds, zero or above.")
        Window.parse(self.window)
        _ = self.zone

    @property
    def zone(self) -> ZoneInfo:
        """The time zone, looked up."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
            raise ValueError(f"There is no time zone {self.timezone!r}.") from problem
