"""What came of collecting: counts to add up, and a text that a person can read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from agora import errors
from agora.errors import AnswerRejected, VendorError, see
from agora.words import things

if TYPE_CHECKING:
    import pandas as pd

SOUND = ("collected", "partial")
MOST_NAMED = 20


@dataclass(slots=True)
class Summary:
    """Counts of one or several batches.

    Attributes:
        states: App-days by the state they were found in.
        changed: App-days that are different in the warehouse now.
        points: Points of the sound app-days.
        asked: App-days for which at least one request was sent.
        requests: Requests sent, retries included.
        limited: How many of them were answered 429.
        failures: App ID → how many of its days failed and the first reason.
        kinds: Names of the classes of error that these are.
        at_the_edge: App-days refused as old ones may be; the next run decides whether they are lost.
        seconds: Stage → how long it took.
    """

    states: dict[str, int] = field(default_factory=dict)
    changed: int = 0
    points: int = 0
    asked: int = 0
    requests: int = 0
    limited: int = 0
    failures: dict[str, tuple[int, str]] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    at_the_edge: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        batch: pd.DataFrame,
        *,
        changed: int,
        at_the_edge: Collection[tuple[str, date]] = (),
        refusals: Mapping[tuple[str, date], VendorError] | None = None,
    ) -> Summary:
        """Count a normalised batch.

        Args:
            batch: As `normalise` returns it.
            changed: How many of its app-days are different in the warehouse now.
            at_the_edge: App-days refused as old ones may be.
            refusals: What the vendor's answers, or their absence, were taken for.
        """
        failures: dict[str, tuple[int, str]] = {}
        kinds: set[str] = set()
        unsound = batch.loc[~batch["state"].isin(SOUND), "reason"]
        for (app_id, usage_date), reason in zip(unsound.index.tolist(), unsound, strict=True):
            if (app_id, usage_date) not in at_the_edge:
                error = (refusals or {}).get((app_id, usage_date))
                what_to_do = error.advice if error else ""
                count, first = failures.get(app_id, (0, ". ".join(filter(None, [str(reason), what_to_do]))))
                failures[app_id] = (count + 1, first)
                kinds.add(type(error or AnswerRejected()).__name__)
        return cls(
            states={str(state): int(count) for state, count in batch["state"].value_counts().items()},
            changed=changed,
            points=int(batch["points"].sum()),
            asked=int(batch["attempts"].sum()),
            failures=failures,
            kinds=sorted(kinds),
            at_the_edge=len(at_the_edge),
        )

    def add(self, other: Summary) -> None:
        """Add another batch's counts to these."""
        self.states = dict(Counter(self.states) + Counter(other.states))
        for name in ("changed", "points", "asked", "requests", "limited", "at_the_edge"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for app_id, (count, reason) in other.failures.items():
            before, first = self.failures.get(app_id, (0, reason))
            self.failures[app_id] = (before + count, first)
        self.kinds = sorted({*self.kinds, *other.kinds})
        for stage, seconds in other.seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    @property
    def app_days(self) -> int:
        """How many app-days were dealt with."""
        return sum(self.states.values())

    @property
    def retries(self) -> int:
        """How many requests asked once more, after a 429, a 5xx or no answer."""
        return self.requests - self.asked

    def failed(self) -> str:
        """Name the apps that failed, each with its first reason; empty where none did."""
        if not self.failures:
            return ""
        many = len(self.failures) != 1
        return (
            f"{len(self.failures):,} app{'s' * many} failed; everything sound of the others is loaded."
            f" {self._named()}. What failed is asked again by the next run."
            f" {see(getattr(errors, kind) for kind in self.kinds)}"
        )

    def _named(self) -> str:
        named = [
            f"{app_id}: {things(count, 'day')}, {reason.rstrip('.')}"
            for app_id, (count, reason) in sorted(self.failures.items())[:MOST_NAMED]
        ]
        if len(self.failures) > MOST_NAMED:
            named.append(f"and {len(self.failures) - MOST_NAMED:,} more, see mart.coverage")
        return "; ".join(named)

    def text(self) -> str:
        """Say it in a few lines, the most important first."""
        states = ", ".join(f"{count:,} {state}" for state, count in sorted(self.states.items()))
        lines = [
            f"{things(self.app_days, 'app-day')} asked for: {states or 'none'}.",
            f"{things(self.points, 'point')} received,"
            f" {things(self.changed, 'app-day')} changed in the warehouse.",
            f"{things(self.requests, 'request')}, {self.limited:,} answered 429.",
        ]
        if self.at_the_edge:
            lines.append(
                f"{things(self.at_the_edge, 'app-day')} refused at the window's edge; the next run decides."
            )
        return "\n".join([*filter(None, [self.failed()]), *lines])

    def replayed(self) -> str:
        """Say what came of reading kept answers anew."""
        states = ", ".join(f"{count:,} {state}" for state, count in sorted(self.states.items()))
        lines = [
            f"{things(self.app_days, 'app-day')} read anew from kept answers: {states or 'none'}.",
            f"{things(self.changed, 'app-day')} changed in the warehouse.",
        ]
        if self.failures:
            lines.append(f"Still refused: {self._named()}.")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as they travel from task to task."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Summary:
        """Read what `to_json` returned."""
        failures = {app_id: (count, reason) for app_id, (count, reason) in values["failures"].items()}
        return cls(**{**values, "failures": failures})
