"""The loop that kills: a collector is started, something dies at a random moment, everything is compared."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.checker import Findings
from tests.chaos.forked import Child
from tests.chaos.site import ROUND_SECONDS, ChaosError, Episode, Site, episode

STEPS = ("plan", "fetch", "raw", "load", "commit")
KILLS_AN_EPISODE = 10
Strike = Callable[[Episode, Child], None]


@dataclass
class Outcome:
    """What came of many kills.

    Attributes:
        kills: How often something was killed while a collector was at work.
        at: Where the collector was when it happened.
        acknowledged: How often an app-day was acknowledged.
        gaps: App-days that an undisturbed run at the end of an episode left open.
    """

    kills: int = 0
    at: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    gaps: int = 0
    findings: Findings = field(default_factory=Findings)

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing was found."""
        return not self.findings.counts.total() and not self.gaps


def kill_collector(episode: Episode, child: Child) -> None:
    """Kill the collecting process."""
    child.kill()
    for report in child.reports():
        episode.note(report)


def crash_server(episode: Episode, child: Child) -> None:
    """Kill PostgreSQL, every process of it, and start it again; the collector must end by itself.

    Raises:
        ChaosError: The collector did not end, or not with an error that says what happened.
    """
    server = episode.site.server
    at = episode.at
    server.crash()
    server.start()
    end = episode.end_of(child, time.monotonic() + ROUND_SECONDS)
    episode.at = at
    if "done" not in end and end.get("failed") != "WarehouseError":
        raise ChaosError(f"The collector ended in an unforeseen way: {end}")


def run(
    site: Site, strike: Strike, kills: int, progress: Callable[[Outcome], None], *, until_found: bool = False
) -> Outcome:
    """Kill until there were so many kills, in episodes of one warehouse each, and compare after each.

    Args:
        site: Where.
        strike: What is killed.
        kills: How many.
        progress: Called after every episode.
        until_found: Stop at the first finding, as a negative control does.
    """
    outcome = Outcome()
    while outcome.kills < kills:
        with episode(site) as current:
            _begin(current)
            for _ in range(min(KILLS_AN_EPISODE, kills - outcome.kills)):
                outcome.at[_one_kill(current, strike)] += 1
                outcome.kills += 1
                outcome.findings.merge(current.check())
                if until_found and not outcome.is_sound:
                    outcome.acknowledged += current.acknowledgements
                    return outcome
            outcome.gaps += len(current.gaps_after_an_undisturbed_run())
            outcome.findings.merge(current.check())
            outcome.acknowledged += current.acknowledgements
            progress(outcome)
    return outcome


def _begin(episode: Episode) -> None:
    """Begin with an empty warehouse or a full one, whose days the vendor has restated."""
    if episode.site.moments.random() < 0.5:
        episode.undisturbed()


def _one_kill(episode: Episode, strike: Strike) -> str:
    """Start collectors until one is hit before its end; return what it was doing."""
    moments = episode.site.moments
    anew = len(episode.acknowledged) > 0 and moments.random() < 0.7
    if anew:
        episode.site.truth.restate(moments)
    for _ in range(100):
        child = episode.start(anew=anew)
        try:
            _wait_for_the_moment(episode, child)
            if episode.at == "failed":
                raise ChaosError(f"A collector failed although nothing was killed: {episode.last}")
            if episode.at in STEPS:
                strike(episode, child)
            if episode.at in STEPS:
                return episode.at
        finally:
            child.close()
    raise ChaosError("A hundred collectors in a row ended before they could be hit.")


def _wait_for_the_moment(episode: Episode, child: Child) -> None:
    """Wait for a moment drawn evenly over a run or, every other time, shortly after a step begins."""
    moments = episode.site.moments
    until = time.monotonic() + moments.uniform(0, episode.site.round_seconds)
    if moments.random() < 0.5:
        step, number = moments.choice(STEPS), moments.randint(1, 4)
        for report in child.reports(time.monotonic() + ROUND_SECONDS):
            episode.note(report)
            number -= report.get("at") == step
            if not number:
                break
        # Steps last some milliseconds, a commit less.
        until = time.monotonic() + moments.choice((0.0, 0.001, 0.008)) * moments.random()
    for report in child.reports(until):
        episode.note(report)
