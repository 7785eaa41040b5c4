"""The state that all endpoints share: apps, clock, window, rate limit, faults, channels and counts."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

from sandbox.clock import Clock
from sandbox.config import Config
from sandbox.credentials import Credentials, app_certificate
from sandbox.faults.active import ActiveFaults
from sandbox.faults.script import read_script
from sandbox.push_stream.channels import Channels
from sandbox.push_stream.open_states import OpenStates
from sandbox.rate_limit import RateLimit
from sandbox.stats import Stats
from sandbox.traffic.apps import App, recorded_app, seeded_apps
from sandbox.traffic.recorded import RecordedTraffic, read_recorded_traffic
from sandbox.traffic.served_day import ServedDays
from sandbox.traffic.slots import SLOTS_PER_DAY, ended_slots
from sandbox.window import Window


class DateError(ValueError):
    """The requested usage date is invalid. The sandbox returns a 400 with this message."""


class Account:
    """The vendor account that the sandbox serves.

    Args:
        config: The settings.

    Raises:
        ValueError: The traffic file or the fault script is malformed.
        OSError: The traffic file is unreadable.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.window = Window.parse(config.window)
        self.served_days = ServedDays(config.zone)
        self.recorded: RecordedTraffic | None = None
        self.apps = seeded_apps(config.seed, config.apps)
        if config.traffic is not None:
            # Shifted only once, at startup, because a served day must not change as the clock advances.
            yesterday = Clock(config.zone, config.clock).now().date() - timedelta(days=1)
            self.recorded = read_recorded_traffic(config.traffic).shifted_to(yesterday)
            self.apps.append(recorded_app(config.seed, len(self.apps), config.traffic, self.recorded))
        self.app_by_id: dict[str, App] = {app.app_id: app for app in self.apps}
        self.reset()

    def reset(self) -> None:
        """Restore the initial state: the original settings, no channels, no open apps, all counts zero."""
        config = self.config
        self.clock = Clock(config.zone, config.clock)
        self.rate_limit = RateLimit(config.rate_limit_per_second, config.retry_after_seconds)
        self.stats = Stats()
        self.open_states = OpenStates()
        self.channels = Channels()
        self.credentials: Credentials = config.credentials
        self.faults = self.read_faults(list(config.faults))

    def read_faults(self, entries: object) -> ActiveFaults:
        """Parse a fault script for this account.

        Raises:
            FaultError: An entry is malformed.
        """
        return read_script(entries, self.apps, seed=self.config.seed)

    async def wait_for_latency(self) -> None:
        """Wait for the latency that delays every response that imitates the vendor."""
        if self.config.latency_ms:
            await asyncio.sleep(self.config.latency_ms / 1000)

    def certificate_of(self, app_id: str) -> str | None:
        """Return an app's certificate, or None if the account does not have the app."""
        if app_id not in self.app_by_id:
            return None
        return app_certificate(self.config.credentials.customer_certificate, app_id)

    def parse_usage_date(self, texts: list[str]) -> date:
        """Parse the `date` parameter.

        Args:
            texts: All values of the query parameter. If there are none, the usage date is yesterday.

        Raises:
            DateError: There is more than one value, or the value is not a date in eight ASCII digits.
        """
        if not texts:
            return self.clock.now().date() - timedelta(days=1)
        if len(texts) > 1:
            raise DateError("The date is given more than once.")
        text = texts[0]
        if not (len(text) == 8 and text.isascii() and text.isdigit()):
            raise DateError("The date must have the form YYYYMMDD.")
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError as problem:
            raise DateError("There is no such date.") from problem

    def served_slots(self, usage_date: date, window: Window | None = None) -> int:
        """Return how many slots of a usage date can be served now.

        Args:
            usage_date: The usage date.
            window: The vendor window. Default: the account's.

        Returns:
            The number of slots that have ended, counted from the start of the day. A past day has 288.

        Raises:
            DateError: The day is older than the window, or has not begun.
        """
        now = self.clock.now()
        today = now.date()
        if usage_date > today:
            raise DateError(f"{usage_date} has not begun.")
        window = window or self.window
        oldest = window.oldest_usage_date(today)
        if usage_date < oldest:
            raise DateError(f"Only the last {window} can be requested. {usage_date} is before {oldest}.")
        return ended_slots(usage_date, now, self.config.zone) if usage_date == today else SLOTS_PER_DAY
