"""Results of collecting: counts that can be added up, durations, and the text for the run note."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from agora import errors
from agora.domain import SOUND_STATES, AppDay
from agora.errors import AgoraError, ResponseRejected, see
from agora.text import format_count

if TYPE_CHECKING:
    import pandas as pd

Stage = Literal["plan", "fetch", "keep", "decode", "load", "check", "refresh"]
STAGES: tuple[Stage, ...] = get_args(Stage)

MOST_NAMED = 20
DETAIL = "- "  # prefix of detail lines; the run note may omit them to stay within 1,000 characters
ADDED = (
    *("app_days", "requested", "received", "points_received", "changed", "requests", "limited"),
    *("at_the_edge", "not_worthwhile"),
)


class FailedApp(NamedTuple):
    """Failed days of one app.

    Attributes:
        days: Number of failed days.
        reason: Why the first of these days failed, and how to fix it.
        kinds: Distinct names of the error classes that caused the failures.
    """

    days: int
    reason: str
    kinds: Sequence[str]

    def plus(self, other: FailedApp) -> FailedApp:
        """Return the sum of both, with the reason of this instance."""
        return FailedApp(self.days + other.days, self.reason, sorted({*self.kinds, *other.kinds}))


@dataclass(slots=True)
class BatchResult:
    """Counts and durations for one or more batches.

    Attributes:
        app_days: App-days planned.
        requested: App-days for which at least one request was sent.
        received: App-days for which a sound response was received.
        points_received: Points in those responses, whether or not they changed anything.
        changed: App-days whose stored points changed.
        states: Current state → number of app-days.
        requests: Requests sent, including retries.
        limited: Requests that were throttled (HTTP 429).
        failures: App ID → its failed days.
        failures_of_removed: App name → the failed days of an app that was removed from the configuration.
            They do not fail a run.
        at_the_edge: App-days that were refused at the edge of the vendor window.
        not_worthwhile: App-days not requested, because the vendor refused the same date for other apps.
        stopped: Reason why the account's remaining app-days were not requested. Empty if all were requested.
        stopped_by: Class name of the error behind `stopped`.
        seconds: Stage → duration in seconds.
    """

    app_days: int = 0
    requested: int = 0
    received: int = 0
    points_received: int = 0
    changed: int = 0
    states: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    limited: int = 0
    failures: dict[str, FailedApp] = field(default_factory=dict)
    failures_of_removed: dict[str, FailedApp] = field(default_factory=dict)
    at_the_edge: int = 0
    not_worthwhile: int = 0
    stopped: str = ""
    stopped_by: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        batch: pd.DataFrame,
        *,
        changed: int,
        failures: Mapping[AppDay, tuple[str, str, str]] | None = None,
        at_the_edge: Collection[AppDay] = (),
    ) -> BatchResult:
        """Count a normalised batch.

        Args:
            batch: The DataFrame that `normalise` returned.
            changed: Number of app-days whose stored points changed.
            failures: App-day → error class name, reason and remedy. Includes app-days that were not
                requested. The batch's rejected responses are added here.
            at_the_edge: App-days that were refused at the edge of the vendor window.
        """
        rejected = batch.loc[batch["state"] == "rejected", "reason"]
        everything = dict(failures or {})
        for key, reason in zip(rejected.index.tolist(), rejected, strict=True):
            everything[key] = (ResponseRejected.__name__, str(reason), "")
        by_app: dict[str, FailedApp] = {}
        for (app_id, _), (kind, reason, advice) in sorted(everything.items()):
            failed = FailedApp(1, ". ".join(filter(None, [reason.rstrip("."), advice])), [kind])
            _add_failed(by_app, app_id, failed)
        sound = batch.loc[batch["state"].isin(SOUND_STATES), "points"]
        return cls(
            requested=len(batch),
            received=len(sound),
            points_received=int(sound.sum()),
            changed=changed,
            failures=by_app,
            at_the_edge=len(at_the_edge),
        )

    def add(self, other: BatchResult) -> None:
        """Add another result's counts and durations to this result."""
        self.states = dict(Counter(self.states) + Counter(other.states))
        for name in ADDED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, others in (
            (self.failures, other.failures),
            (self.failures_of_removed, other.failures_of_removed),
        ):
            for app_id, failed in others.items():
                _add_failed(mine, app_id, failed)
        if not self.stopped:
            self.stopped, self.stopped_by = other.stopped, other.stopped_by
        for stage, seconds in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    @property
    def kinds(self) -> list[str]:
        """Names of the error classes that caused the failures."""
        return sorted({kind for failed in self.failures.values() for kind in failed.kinds})

    @property
    def retries(self) -> int:
        """Number of requests repeated after a 429, a 5xx or a missing response."""
        return max(0, self.requests - self.requested)

    def failed(self) -> str:
        """Return the reason why the account was stopped, and each failed app with its first reason."""
        named = ""
        if self.failures:
            named = "\n".join(
                [
                    f"{format_count(len(self.failures), 'app')} failed. All sound responses are"
                    " loaded; the next run requests the failed days again."
                    f" {see(getattr(errors, kind) for kind in self.kinds)}",
                    *(f"{DETAIL}{app}." for app in _named(self.failures)),
                ]
            )
        return "\n".join(filter(None, [self.stopped, named]))

    def stop(self, reason: str, kind: type[AgoraError], *, repeated: type[AgoraError]) -> None:
        """Record why collection stopped for the account, and drop app failures that only repeat this reason.

        Args:
            reason: The reason and its remedy.
            kind: Class of the error that stopped collection.
            repeated: Class of the errors that apps' requests raised for the same reason.
        """
        self.stopped, self.stopped_by = reason, kind.__name__
        same = {repeated.__name__}
        self.failures = {app: failed for app, failed in self.failures.items() if {*failed.kinds} - same}

    def separate_removed(self, names: Mapping[str, str]) -> None:
        """Move the failures of apps that were removed from the configuration to their own field.

        Args:
            names: App ID → name of the removed apps.
        """
        for app_id in sorted({*names} & {*self.failures}):
            _add_failed(self.failures_of_removed, names[app_id], self.failures.pop(app_id))

    def text(self) -> str:
        """Return the result in a few lines: the most important first, details of failed apps last."""
        lines = [
            f"Requested {self.requested:,} of {format_count(self.app_days, 'app-day')};"
            f" received {self.received:,} with {format_count(self.points_received, 'point')};"
            f" changed {self.changed:,}.",
            f"State now: {self._states()}.",
            f"{format_count(self.requests, 'request')}, {self.limited:,} throttled (HTTP 429).",
        ]
        if self.at_the_edge or self.not_worthwhile:
            lines.append(
                f"{format_count(self.at_the_edge, 'app-day')} refused as too old (HTTP 400);"
                f" {self.not_worthwhile:,} more not requested for that reason."
            )
        if self.failures_of_removed:
            lines.append(
                f"{format_count(len(self.failures_of_removed), 'removed app')} failed too:"
                f" {'; '.join(_named(self.failures_of_removed))}."
                " Their days are requested until they leave the vendor's window."
            )
        problems = self.failed().splitlines()
        details = [line for line in problems if line.startswith(DETAIL)]
        return "\n".join([*(line for line in problems if line not in details), *lines, *details])

    def replayed(self) -> str:
        """Return the result of a replay in a few lines."""
        lines = [
            f"Decoded the stored responses of {format_count(self.requested, 'app-day')} again:"
            f" {self.received:,} with {format_count(self.points_received, 'point')};"
            f" changed {self.changed:,}.",
        ]
        if self.failures:
            lines.append(f"Still rejected: {'; '.join(_named(self.failures))}.")
        return "\n".join(lines)

    def _states(self) -> str:
        return ", ".join(f"{count:,} {state}" for state, count in sorted(self.states.items())) or "none"

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON-compatible values for an XCom."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> BatchResult:
        """Restore a result from the return value of `to_json`."""
        failures = {
            name: {app_id: FailedApp(*failed) for app_id, failed in values[name].items()}
            for name in ("failures", "failures_of_removed")
        }
        return cls(**{**values, **failures})


def _add_failed(failures: dict[str, FailedApp], app: str, failed: FailedApp) -> None:
    failures[app] = failures[app].plus(failed) if app in failures else failed


def _named(failures: Mapping[str, FailedApp]) -> list[str]:
    """Return up to twenty apps, each with its number of days and its first reason."""
    named = [
        f"{app}: {format_count(failed.days, 'day')}, {failed.reason.rstrip('.')}"
        for app, failed in sorted(failures.items())[:MOST_NAMED]
    ]
    if len(failures) > MOST_NAMED:
        named.append(f"and {len(failures) - MOST_NAMED:,} more, see mart.coverage")
    return named


@contextmanager
def timed(seconds: dict[str, float], stage: Stage) -> Iterator[None]:
    """Add the duration of the `with` block to a stage's seconds."""
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - started
