"""The kill loop: start a collector, kill something at a random moment, and compare everything."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos.checker import Findings
from tests.chaos.forked import Child
from tests.chaos.site import ROUND_SECONDS, ChaosError, Episode, Site, episode

STEPS = ("plan", "fetch", "raw", "load", "commit")
KILLS_PER_EPISODE = 10
Strike = Callable[[Episode, Child], None]


@dataclass
class Outcome:
    """The outcome of many kills.

    Attributes:
        kills: Number of kills while a collector was working.
        at: Number of kills by the collector's step.
        acknowledged: Number of acknowledged app-days, repetitions included.
        gaps: Number of app-days that an undisturbed run at the end of an episode did not collect.
    """

    kills: int = 0
    at: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    gaps: int = 0
    findings: Findings = field(default_factory=Findings)

    @property
    def is_sound(self) -> bool:
        """Whether there are no findings and no gaps."""
        return not self.findings.counts.total() and not self.gaps


def kill_collector(episode: Episode, child: Child) -> None:
    """Kill the collecting process."""
    child.kill()
    for report in child.reports():
        episode.record(report)


def crash_server(episode: Episode, child: Child) -> None:
    """Kill all processes of PostgreSQL and start it again; the collector must end on its own.

    Raises:
        ChaosError: The collector did not end, or ended with an unexpected error.
    """
    server = episode.site.server
    at = episode.at
    server.crash()
    server.start()
    end = episode.end_of(child, time.monotonic() + ROUND_SECONDS)
    episode.at = at
    if "done" not in end and end.get("failed") != "WarehouseError":
        raise ChaosError(f"The collector ended unexpectedly: {end}")


def run(
    site: Site, strike: Strike, kills: int, progress: Callable[[Outcome], None], *, until_found: bool = False
) -> Outcome:
    """Kill repeatedly, in episodes with one warehouse each, and compare after each kill.

    Args:
        site: The sandbox and the server.
        strike: Kills a process.
        kills: Number of kills.
        progress: Called after every episode.
        until_found: Stop at the first finding, as a negative control does.
    """
    outcome = Outcome()
    while outcome.kills < kills:
        with episode(site) as current:
            _begin(current)
            for _ in range(min(KILLS_PER_EPISODE, kills - outcome.kills)):
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
    """Begin with an empty warehouse or, in half of the cases, with a full one."""
    if episode.site.moments.random() < 0.5:
        episode.undisturbed()


def _one_kill(episode: Episode, strike: Strike) -> str:
    """Start collectors until one is hit before its end; return its step."""
    moments = episode.site.moments
    reload = len(episode.acknowledged) > 0 and moments.random() < 0.7
    if reload:
        episode.site.truth.restate(moments)
    for _ in range(100):
        child = episode.start(reload=reload)
        try:
            _wait_for_random_moment(episode, child)
            if episode.at == "failed":
                raise ChaosError(f"A collector failed although nothing was killed: {episode.last}")
            if episode.at in STEPS:
                strike(episode, child)
            if episode.at in STEPS:
                return episode.at
        finally:
            child.close()
    raise ChaosError("A hundred collectors in a row ended before they could be hit.")


def _wait_for_random_moment(episode: Episode, child: Child) -> None:
    """Wait for a moment drawn evenly over a run or, in half of the cases, shortly after a step begins."""
    moments = episode.site.moments
    until = time.monotonic() + moments.uniform(0, episode.site.round_seconds)
    if moments.random() < 0.5:
        step, number = moments.choice(STEPS), moments.randint(1, 4)
        for report in child.reports(time.monotonic() + ROUND_SECONDS):
            episode.record(report)
            number -= report.get("at") == step
            if not number:
                break
        # Steps last a few milliseconds, and a commit less.
        until = time.monotonic() + moments.choice((0.0, 0.001, 0.008)) * moments.random()
    for report in child.reports(until):
        episode.record(report)
