"""The outcome of collecting: counts to add up, and a text that people read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from agora import errors
from agora.errors import ResponseRejected, see
from agora.text import format_count

if TYPE_CHECKING:
    import pandas as pd

AppDay = tuple[str, date]

SOUND = ("collected", "partial")
MOST_NAMED = 20
DETAIL = "- "  # begins a line of details, which a run's note, of 1,000 characters, may cut
ADDED = (
    *("app_days", "requested", "received", "points_received", "changed", "requests", "limited"),
    *("at_the_edge", "not_worthwhile"),
)


@dataclass(slots=True)
class BatchResult:
    """Counts of one or several batches.

    Attributes:
        app_days: App-days planned.
        requested: App-days for which at least one request was sent.
        received: App-days for which a sound response was received.
        points_received: Points in those responses, whether or not they changed anything.
        changed: App-days whose stored points changed.
        states: State that the app-days are in now → how many.
        requests: Requests sent, retries included.
        limited: How many of them were throttled (HTTP 429).
        failures: App ID → how many of its days failed, and the first reason.
        kinds: Names of the classes of error that these are.
        failures_of_removed: The same of apps that left the configuration. They do not fail a run.
        at_the_edge: App-days refused as the window's oldest may be.
        not_worthwhile: App-days not requested, because the vendor refused other apps the same date.
        stopped: Why the account's other app-days were not requested; empty where all were.
        seconds: Stage → how long it took.
    """

    app_days: int = 0
    requested: int = 0
    received: int = 0
    points_received: int = 0
    changed: int = 0
    states: dict[str, int] = field(default_factory=dict)
    requests: int = 0
    limited: int = 0
    failures: dict[str, tuple[int, str]] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    failures_of_removed: dict[str, tuple[int, str]] = field(default_factory=dict)
    at_the_edge: int = 0
    not_worthwhile: int = 0
    stopped: str = ""
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
            batch: As `normalise` returns it.
            changed: How many of its app-days have other points in the warehouse now.
            failures: App-day → class of its error, reason and what to do, also of app-days that were not
                requested. Rejected responses of the batch are added to them.
            at_the_edge: App-days refused as the window's oldest may be.
        """
        rejected = batch.loc[batch["state"] == "rejected", "reason"]
        everything = dict(failures or {})
        for key, reason in zip(rejected.index.tolist(), rejected, strict=True):
            everything[key] = (ResponseRejected.__name__, str(reason), "")
        by_app: dict[str, tuple[int, str]] = {}
        for (app_id, _), (_, reason, advice) in sorted(everything.items()):
            count, first = by_app.get(app_id, (0, ". ".join(filter(None, [reason.rstrip("."), advice]))))
            by_app[app_id] = (count + 1, first)
        sound = batch.loc[batch["state"].isin(SOUND), "points"]
        return cls(
            requested=len(batch),
            received=len(sound),
            points_received=int(sound.sum()),
            changed=changed,
            failures=by_app,
            kinds=sorted({kind for kind, _, _ in everything.values()}),
            at_the_edge=len(at_the_edge),
        )

    def add(self, other: BatchResult) -> None:
        """Add another batch's counts to these."""
        self.states = dict(Counter(self.states) + Counter(other.states))
        for name in ADDED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, others in (
            (self.failures, other.failures),
            (self.failures_of_removed, other.failures_of_removed),
        ):
            for app_id, (count, reason) in others.items():
                before, first = mine.get(app_id, (0, reason))
                mine[app_id] = (before + count, first)
        self.kinds = sorted({*self.kinds, *other.kinds})
        self.stopped = self.stopped or other.stopped
        for stage, seconds in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    @property
    def retries(self) -> int:
        """How many requests repeated another one, after a 429, a 5xx or no response."""
        return max(0, self.requests - self.requested)

    def failed(self) -> str:
        """Name what stopped the account and the apps that failed, each with its first reason; else empty."""
        named = ""
        if self.failures:
            named = "\n".join(
                [
                    f"{format_count(len(self.failures), 'app')} failed; everything sound is loaded."
                    " The next run requests these days again."
                    f" {see(getattr(errors, kind) for kind in self.kinds)}",
                    *(f"{DETAIL}{app}." for app in _named(self.failures)),
                ]
            )
        return "\n".join(filter(None, [self.stopped, named]))

    def remove(self, app_ids: Collection[str]) -> None:
        """Count the failures of apps that left the configuration separately."""
        for app_id in sorted({*app_ids} & {*self.failures}):
            self.failures_of_removed[app_id] = self.failures.pop(app_id)
        if not self.failures:
            self.kinds = []

    def text(self) -> str:
        """Return a few lines, the most important first; each failed app's reason comes last."""
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
                f"{format_count(len(self.failures_of_removed), 'app')} that left the configuration"
                f" failed, too: {'; '.join(_named(self.failures_of_removed))}."
                " Their days are requested until they have left the vendor's window."
            )
        problems = self.failed().splitlines()
        details = [line for line in problems if line.startswith(DETAIL)]
        return "\n".join([*(line for line in problems if line not in details), *lines, *details])

    def replayed(self) -> str:
        """Return what came of decoding stored responses again."""
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
        """Return plain values, as they travel from task to task."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> BatchResult:
        """Read what `to_json` returned."""
        failures = {
            name: {app_id: (count, reason) for app_id, (count, reason) in values[name].items()}
            for name in ("failures", "failures_of_removed")
        }
        return cls(**{**values, **failures})


def _named(failures: Mapping[str, tuple[int, str]]) -> list[str]:
    """Return each app with its days and its first reason, up to twenty of them."""
    named = [
        f"{app_id}: {format_count(count, 'day')}, {reason.rstrip('.')}"
        for app_id, (count, reason) in sorted(failures.items())[:MOST_NAMED]
    ]
    if len(failures) > MOST_NAMED:
        named.append(f"and {len(failures) - MOST_NAMED:,} more, see mart.coverage")
    return named
