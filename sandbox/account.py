"""The account that is served: its apps, clock, window, limit, faults, states and counts, without HTTP."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

from sandbox.answers import Answers
from sandbox.app_certificates import app_certificate
from sandbox.catalogue import App, replay_app, seeded_apps
from sandbox.channels import Channels
from sandbox.clock import Clock
from sandbox.config import Config
from sandbox.credentials import Credentials
from sandbox.fault_script import read_script
from sandbox.faults import FaultScript
from sandbox.open_states import OpenStates
from sandbox.rate_limit import RateLimit
from sandbox.replay import Replay, read_replay, yesterday_of
from sandbox.slots import SLOTS_PER_DAY, ended_slots
from sandbox.stats import Stats
from sandbox.window import Window


class DateError(ValueError):
    """A usage date that the vendor answers with 400; the sentence says why."""


class Account:
    """What the handlers read and the control calls change.

    Args:
        config: The settings.

    Raises:
        ValueError: The traffic file or the faults are not of their form.
        OSError: The traffic file cannot be read.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock(config.zone, config.clock)
        self.window = Window.parse(config.window)
        self.rate_limit = RateLimit(config.rate_limit_per_second, config.retry_after_seconds)
        self.stats = Stats()
        self.answers = Answers(config.zone)
        self.open_states = OpenStates()
        self.channels = Channels()
        self.credentials: Credentials = config.credentials
        self.replay: Replay | None = None
        self.apps = seeded_apps(config.seed, config.apps)
        if config.traffic is not None:
            # Laid out once, at the start: a day that was served must not change when the clock moves on.
            self.replay = read_replay(config.traffic).shifted_to(yesterday_of(self.clock.now()))
            self.apps.append(replay_app(config.seed, len(self.apps), config.traffic, self.replay))
        self.app_by_id: dict[str, App] = {app.app_id: app for app in self.apps}
        self.faults = self.read_faults(list(config.faults))

    def read_faults(self, entries: object) -> FaultScript:
        """Parse a fault script for this account.

        Raises:
            FaultError: An entry is malformed.
        """
        return read_script(entries, self.apps, seed=self.config.seed)

    async def hold_back(self) -> None:
        """Waits as long as each answer of the vendor's calls is held back."""
        if self.config.latency_ms:
            await asyncio.sleep(self.config.latency_ms / 1000)

    def certificate_of(self, app_id: str) -> str | None:
        """Gives an app's certificate, or None where the account has no such app."""
        if app_id not in self.app_by_id:
            return None
        return app_certificate(self.config.credentials.customer_certificate, app_id)

    def asked_date(self, texts: list[str]) -> date:
        """Reads the `date` parameter.

        Args:
            texts: Each value of the parameter that the query holds; with none, yesterday is meant.

        Raises:
            DateError: It is given twice, is not eight ASCII digits, or is no date.
        """
        if not texts:
            return self.clock.now().date() - timedelta(days=1)
        if len(texts) > 1:
            raise DateError("The date is given more than once.")
        text = texts[0]
        if not (len(text) == 8 and text.isascii() and text.isdigit()):
            raise DateError("The date is written YYYYMMDD.")
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError as problem:
            raise DateError("There is no such date.") from problem

    def served_slots(self, usage_date: date, window: Window | None = None) -> int:
        """Return how many slots of a day can be served now.

        Args:
            usage_date: The usage date.
            window: The vendor window; without it, the account's.

        Returns:
            The number of slots that are over, counted from the start of the day; 288 for a past day.

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
            raise DateError(f"Only the last {window} can be asked for; {usage_date} is before {oldest}.")
        return ended_slots(usage_date, now, self.config.zone) if usage_date == today else SLOTS_PER_DAY
