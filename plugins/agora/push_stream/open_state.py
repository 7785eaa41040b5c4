"""Query or apply for the push-stream open state of many apps, and store the states."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Engine

from agora.client.dashboard import CONFIRMING_APPS, DashboardClient, credentials_refused
from agora.domain import Cause
from agora.errors import (
    AppRefused,
    CredentialsRefused,
    OutcomeUnknown,
    RateLimited,
    VendorError,
    VendorUnavailable,
    see,
)
from agora.text import format_count
from agora.warehouse.push_stream_state import ReportedState, record

FEW = 5


@dataclass(slots=True)
class OpenStates:
    """Push-stream open states of apps in one account.

    Attributes:
        conn_id: Connection of the account.
        seen: The received states, in order of arrival.
        failures: App ID → error of its request.
        refused: Set if the vendor refused several apps and served none, which ends the account's requests.
        not_requested: App IDs that were skipped after such a refusal or because the vendor was unavailable.
        changed: Number of apps whose state has changed or was received for the first time.
    """

    conn_id: str
    seen: list[ReportedState] = field(default_factory=list)
    failures: dict[str, VendorError] = field(default_factory=dict)
    refused: CredentialsRefused | None = None
    not_requested: list[str] = field(default_factory=list)
    changed: int = 0

    def text(self) -> str:
        """Return the result in a few lines, failures first."""
        counts = (
            f"{self.conn_id}: push-streaming is enabled for {self._apps(enabled=True)},"
            f" not for {self._apps(enabled=False)}; {self.changed:,} changed or new."
        )
        return "\n".join(filter(None, [self.failed(), counts]))

    def failed(self) -> str:
        """Return the failed apps, grouped by reason. Empty if none failed."""
        lines = [str(self.refused)] if self.refused else []
        if self.failures:
            kinds = (type(error) for error in self.failures.values())
            lines.append(
                f"Connection {self.conn_id}, push-stream open state:"
                f" {format_count(len(self.failures), 'app')} failed."
                f" {' '.join(self._reasons())} {see(kinds)}"
            )
        if self.not_requested:
            lines.append(f"{format_count(len(self.not_requested), 'app')} not requested.")
        return "\n".join(lines)

    def causes(self) -> set[Cause]:
        """Return the causes of the failures."""
        causes = {Cause(type(error).__name__) for error in self.failures.values()}
        if self.refused:
            causes.add(Cause(type(self.refused).__name__, self.conn_id))
        return causes

    def _reasons(self) -> list[str]:
        apps_by_reason: dict[str, list[str]] = {}
        for app_id, error in sorted(self.failures.items()):
            reason = f"{error.reason.rstrip('.')}. {error.advice}"
            apps_by_reason.setdefault(reason, []).append(app_id)
        return [f"{_named(app_ids)}: {reason}" for reason, app_ids in apps_by_reason.items()]

    def _apps(self, *, enabled: bool) -> str:
        """Return the number of apps with this state, and their App IDs if there are few apps."""
        app_ids = sorted(state.app_id for state in self.seen if state.enabled == enabled)
        named = f" ({', '.join(app_ids)})" if app_ids and len(self.seen) <= FEW else ""
        return format_count(len(app_ids), "app") + named


def _named(app_ids: list[str]) -> str:
    others = f" and {len(app_ids) - FEW:,} more" if len(app_ids) > FEW else ""
    return f"App {', '.join(app_ids[:FEW])}{others}"


async def open_states(
    app_ids: Sequence[str], client: DashboardClient, engine: Engine, *, apply: bool
) -> OpenStates:
    """Request the apps' states concurrently, and store every received state, even after an error.

    One app's failure does not affect other apps. The remaining apps are skipped if the vendor refuses several
    apps (401 or 403) and serves none, or if many consecutive apps get no usable response. Until the vendor
    serves the first app, at most five requests are in progress or refused.

    Args:
        app_ids: Distinct apps of the account.
        client: Client for the account, already entered.
        engine: Warehouse engine, connected as the loader.
        apply: Whether to apply (POST) for apps that a query (GET) reports as not enabled. The query makes a
            repeated call safe.
    """
    round_ = _Round(app_ids, client, apply=apply)
    workers = [asyncio.create_task(round_.work()) for _ in range(client.settings.max_concurrency)]
    try:
        await asyncio.gather(*workers)
        round_.stop_if_refused()
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        states = round_.states
        if states.seen:
            with engine.begin() as connection:
                states.changed = record(connection, states.conn_id, states.seen)
    return states


class _Round:
    """State shared by the workers of one `open_states` call."""

    def __init__(self, app_ids: Sequence[str], client: DashboardClient, *, apply: bool) -> None:
        self._todo: Iterator[str] = iter(app_ids)
        self._client = client
        self._apply = apply
        self._consecutive_failures = 0
        self._served = False
        # Permits to request apps before the first app is served. A refused app does not return its permit.
        self._permits = asyncio.Semaphore(CONFIRMING_APPS)
        self.states = OpenStates(client.settings.conn_id)

    async def work(self) -> None:
        """Request one app after another until none is left."""
        for app_id in self._todo:
            if not self._served:
                await self._permits.acquire()
            down = self._consecutive_failures >= 2 * self._client.settings.max_concurrency
            if self.states.refused or down:
                self.states.not_requested.append(app_id)
                self._permits.release()
            else:
                await self._request(app_id)

    async def _request(self, app_id: str) -> None:
        try:
            seen = await self._seen(app_id)
        except AppRefused as error:
            self.states.failures[app_id] = error
            self._consecutive_failures = 0
            if not self._served and len(self._refusals()) == CONFIRMING_APPS:
                self.stop_if_refused()
                self._permits.release()
        except VendorError as error:
            self.states.failures[app_id] = error
            down = isinstance(error, VendorUnavailable | OutcomeUnknown | RateLimited)
            self._consecutive_failures = self._consecutive_failures + 1 if down else 0
            self._permits.release()
        else:
            self._consecutive_failures = 0
            self.states.seen.append(seen)

    def stop_if_refused(self) -> None:
        """Stop the account if several apps were refused and none was served."""
        refusals = self._refusals()
        if not self._served and len(refusals) > 1:
            self.states.refused = credentials_refused([*refusals.values()][-1], [*refusals])
            for app_id in refusals:
                del self.states.failures[app_id]

    def _refusals(self) -> dict[str, AppRefused]:
        failures = self.states.failures.items()
        return {app_id: error for app_id, error in failures if isinstance(error, AppRefused)}

    async def _seen(self, app_id: str) -> ReportedState:
        # A response describes some moment after its request, so the time of the request is stored. A slow
        # response must not appear newer than the response to a later request.
        requested_at = datetime.now(UTC)
        enabled = await self._client.push_stream_is_open(app_id)
        if not self._served:
            self._served = True
            for _ in range(self._client.settings.max_concurrency):
                self._permits.release()  # one for every waiting worker
        if self._apply and not enabled:
            requested_at = datetime.now(UTC)
            enabled = await self._client.apply_for_push_stream(app_id)
        return ReportedState(app_id, enabled, requested_at)
