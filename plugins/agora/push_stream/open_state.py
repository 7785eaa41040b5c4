"""Asks whether push-streaming is enabled for many apps, or applies for it, and keeps the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine

from agora.errors import CredentialsRefused, OutcomeUnknown, RateLimited, VendorError, VendorUnavailable, see
from agora.vendor.dashboard import DashboardClient
from agora.warehouse.push_stream_state import Seen, record
from agora.words import things

MOST_NAMED = 20
FEW = 5


@dataclass(slots=True)
class OpenStates:
    """What came of asking for some apps of one account.

    Attributes:
        conn_id: The account.
        seen: The answers, in the order in which they came.
        failures: App ID → why there is no answer.
        not_asked: App IDs left out because the vendor was not available.
        changed: How many apps' state is another than before, or seen for the first time.
    """

    conn_id: str
    seen: list[Seen] = field(default_factory=list)
    failures: dict[str, VendorError] = field(default_factory=dict)
    not_asked: list[str] = field(default_factory=list)
    changed: int = 0

    def text(self) -> str:
        """Say it in a line or two, the most important first."""
        counts = (
            f"{self.conn_id}: push-streaming is enabled for {self._apps(enabled=True)},"
            f" not for {self._apps(enabled=False)}; {self.changed:,} changed or new."
        )
        return "\n".join(filter(None, [self.failed(), counts]))

    def _apps(self, *, enabled: bool) -> str:
        """Count the apps with an answer, and name them where the answers are few."""
        app_ids = sorted(answer.app_id for answer in self.seen if answer.enabled == enabled)
        named = f" ({', '.join(app_ids)})" if app_ids and len(self.seen) <= FEW else ""
        return things(len(app_ids), "app") + named

    def failed(self) -> str:
        """Name the apps that failed, each with its reason; empty where none did."""
        if not self.failures:
            return ""
        named = [
            f"App {app_id}: {error.reason.rstrip('.')}. {error.advice}"
            for app_id, error in sorted(self.failures.items())[:MOST_NAMED]
        ]
        if len(self.failures) > MOST_NAMED:
            named.append(f"And {len(self.failures) - MOST_NAMED:,} more.")
        if self.not_asked:
            named.append(f"{things(len(self.not_asked), 'app')} not asked, because so many failed in a row.")
        return (
            f"Connection {self.conn_id}, push-stream open state: {things(len(self.failures), 'app')} failed."
            f" {' '.join(named)} {see(type(error) for error in self.failures.values())}"
        )


async def open_states(
    app_ids: Sequence[str], client: DashboardClient, engine: Engine, *, apply: bool
) -> OpenStates:
    """Ask for each app, as many at once as the account allows, and keep every answer.

    One app's failure does not keep another's answer from being kept. Where many in a row get no usable
    answer, the vendor is down, and the rest is not asked.

    Args:
        app_ids: Apps of the account, none twice.
        client: Of that account, entered.
        engine: To the warehouse, as the loader.
        apply: Apply for push-streaming (POST) rather than only ask (GET).

    Raises:
        CredentialsRefused: A 401; what was answered before it is kept.
    """
    round_ = _Round(app_ids, client, apply=apply)
    async with asyncio.TaskGroup() as workers:
        for _ in range(client.settings.max_concurrency):
            workers.create_task(round_.work())
    states = round_.states
    if states.seen:
        with engine.begin() as connection:
            states.changed = record(connection, states.conn_id, states.seen)
    if round_.refused:
        raise round_.refused
    return states


class _Round:
    """The state that the workers of one call share."""

    def __init__(self, app_ids: Sequence[str], client: DashboardClient, *, apply: bool) -> None:
        self._todo: Iterator[str] = iter(app_ids)
        self._client = client
        self._apply = apply
        self._failed_in_a_row = 0
        self.refused: CredentialsRefused | None = None
        self.states = OpenStates(client.settings.conn_id)

    async def work(self) -> None:
        """Take one app after the other until there are no more, or a 401 ends it for all."""
        for app_id in self._todo:
            if self.refused:
                return
            if self._failed_in_a_row >= 2 * self._client.settings.max_concurrency:
                self.states.not_asked.append(app_id)
                continue
            await self._ask(app_id)

    async def _ask(self, app_id: str) -> None:
        try:
            if self._apply:
                enabled = await self._client.apply_for_push_stream(app_id)
            else:
                enabled = await self._client.push_stream_is_open(app_id)
        except CredentialsRefused as error:
            self.refused = self.refused or error
        except VendorError as error:
            self.states.failures[app_id] = error
            down = isinstance(error, VendorUnavailable | OutcomeUnknown | RateLimited)
            self._failed_in_a_row = self._failed_in_a_row + 1 if down else 0
        else:
            self._failed_in_a_row = 0
            self.states.seen.append(Seen(app_id, enabled, datetime.now(UTC)))
