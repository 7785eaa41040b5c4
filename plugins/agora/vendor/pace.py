"""How fast an account may be asked: what is known of its limit, and what each answer teaches. No waiting.

The vendor's newer pages document 10 calls a second per account and API, the default of the configured rate.
The document of the API used here names no number, other programs may use the account, and the vendor may have
agreed on another limit. So the limit that applies is found:

1. Requests are evenly spaced, at the configured rate until the first 429. That one tells that the limit is
   about what was answered within the last second (exactly so for a sliding window).
2. From then on, what was answered between two 429s far enough apart is what the limit allows, whatever its
   kind; a rate refused sooner is halved.
3. A rate that proves to be allowed is raised: half-way towards the one refused, from there in small steps.
4. A rate well beyond the one refused, or one that fell by more than half at once, is raised in leaps instead
   (a climb): a limit that was lowered may be raised again. A climb refused at once costs one 429, no more.
5. Where 429s carry a Retry-After, they cost time; so the rate is left alone for twenty times as long.
"""

from __future__ import annotations

import dataclasses
import math
from bisect import insort
from typing import Any

WINDOW_SECONDS = 1.0  # how far back answers are counted: the vendor states its limits per second
BUCKET_SECONDS = 0.02  # answers closer than this are kept as one entry
PROOF_ANSWERS = 10  # so many, and over a window at least, prove that a rate is allowed
CLIMB_PROOF_ANSWERS = 3  # the same during a climb, which is in a hurry
LONG_ANSWERS = 20  # so many answers between two 429s tell the limit to a few per cent
KEEP_BELOW = 0.97
GROWTH = 0.003
MAY_DIFFER = 1.1  # rates further apart than this are worth a try half-way between them
LEAST_PER_SECOND = 0.01

LEAPS = (1.06, 1.25, 1.5, 2.0)  # a climb's factors, the last one again and again
FALLEN = 0.4  # of what was steadily answered: the limit was lowered, it is no wrong estimate
CLIMBS_AFTER_A_FALL = 8
CLIMB_EVERY_SECONDS = 7.0
STEADY_SECONDS = 12.0  # a rate that lasted so long is what a fall is measured by
REST_PER_RETRY_AFTER = 20.0

CLOCK_SET_BACK_SECONDS = 1.0  # less is the inaccuracy of a process's idea of the database's clock
FORGET_SECONDS = 600.0  # a limit learned before so long a silence is learned anew, for two 429s
MOST_AHEAD_SECONDS = 300.0
LIMITED_SECONDS = 300.0  # an account that responds with nothing but 429 for so long is given up
MOST_RETRY_AFTER_SECONDS = 86_400.0  # a longer Retry-After is taken for a day
LATE_SECONDS = 0.02  # so much lateness is made up for: less than a limit's own grace
BLOCK_SECONDS = 0.05  # turns may be granted so far ahead; up to 20 a second that is one by one


def is_too_late(refused_since: float, now: float) -> bool:
    """Decide whether an account has responded with nothing but 429 for too long."""
    return now > refused_since + LIMITED_SECONDS


@dataclasses.dataclass
class Pace:
    """The state of one vendor account, changed by what happens. Times are seconds of any one clock.

    Attributes:
        most_per_second: As configured; never faster.
        per_second: The present rate.
        next_at: Before this, nothing is sent.
        heard_at: When the vendor last answered anything.
        refused_since: When the first of the 429s came that no other response has followed; None without one.
        retry_at: When the longest Retry-After of a 429 ends.
        refused_per_second: The rate that the last 429 met.
        changed_at: Since when the present rate holds.
        answers_since_change: To requests sent since then.
        cut_at: When the last 429 was noted; None before the first.
        resumed_at: When the first request after it was sent.
        answers_since_cut: Answers since then.
        retry_after_seconds: What the last 429 asked for.
        leap: How many leaps the present climb has made; 0 outside of one.
        climb_from: The rate to fall back to where a climb's first leaps are refused.
        leapt_from: The rate before the present one of a climb.
        climbs_left: Climbs still to be tried after a fall.
        steady_per_second: What was answered for some seconds on end before the limit fell.
        paused: The last cut was followed by an empty window.
        answered: Pairs of time and count, of the last window, oldest first.
    """

    most_per_second: float
    per_second: float
    next_at: float
    heard_at: float
    refused_since: float | None = None
    retry_at: float = 0.0
    refused_per_second: float = 0.0
    changed_at: float = 0.0
    answers_since_change: int = 0
    cut_at: float | None = None
    resumed_at: float | None = None
    answers_since_cut: int = 0
    retry_after_seconds: float = 0.0
    leap: int = 0
    climb_from: float = 0.0
    leapt_from: float = 0.0
    climbs_left: int = 0
    steady_per_second: float = 0.0
    paused: bool = False
    answered: list[tuple[float, int]] = dataclasses.field(default_factory=list)

    @classmethod
    def fresh(cls, most_per_second: float, now: float) -> Pace:
        """Return the pace of an account of which nothing is known."""
        return cls(most_per_second, most_per_second, next_at=now, heard_at=now)

    @classmethod
    def from_json(cls, state: dict[str, Any] | None, most_per_second: float, now: float) -> Pace:
        """Return the pace kept by `to_json`, or a fresh one where there is none or it is out of date.

        Args:
            state: What `to_json` returned.
            most_per_second: As configured now, which may differ from then.
            now: The present time.
        """
        if state is None or state.keys() != {field.name for field in dataclasses.fields(cls)}:
            return cls.fresh(most_per_second, now)  # nothing kept, or by another version of this
        kept = cls(**{**state, "answered": [(at, count) for at, count in state["answered"]]})
        kept._follow_clock(now)
        if now - kept.heard_at > FORGET_SECONDS:
            fresh = cls.fresh(most_per_second, now)
            fresh.next_at, fresh.retry_at = max(now, kept.next_at), kept.retry_at
            return fresh
        if kept.per_second >= min(kept.most_per_second, most_per_second):
            kept.per_second = most_per_second
        kept.most_per_second = most_per_second
        return kept

    def to_json(self) -> dict[str, Any]:
        """Return the state in types that JSON has; two kilobytes at most."""
        return dataclasses.asdict(self)

    def grant(self, now: float, turns: int = 1) -> tuple[int, float]:
        """Give away the next turns.

        Who comes late has those that follow come a little sooner; without that, small delays would add up and
        the rate stay below what is allowed.

        Args:
            now: The present time.
            turns: How many are wanted; fewer are granted where they would take longer than a block.

        Returns:
            How many were granted, evenly spaced from now on; or 0, and how many seconds to wait.
        """
        if self.next_at > now:
            return 0, self.next_at - now
        if self.resumed_at is None:
            self.resumed_at = now
        granted = max(1, min(turns, int(self.per_second * BLOCK_SECONDS)))
        gap_seconds = 1 / self.per_second
        self.next_at = (
            max(self.next_at, now - min(LATE_SECONDS, gap_seconds * granted)) + granted * gap_seconds
        )
        return granted, 0.0

    def is_refused_for_long(self, now: float) -> bool:
        """Decide whether the account is to be given up rather than waited for.

        That is so if the vendor asked for a wait of more than LIMITED_SECONDS, or if no request could follow
        within LIMITED_SECONDS of the first 429 that no other response has followed.
        """
        if self.retry_at > now + LIMITED_SECONDS:
            return True
        return self.refused_since is not None and is_too_late(self.refused_since, self.next_at)

    def note_answer(self, sent_at: float, now: float) -> None:
        """Note an answer that was not a 429, to the request sent at `sent_at`."""
        self.refused_since = None
        self._count(now)
        self.heard_at = max(self.heard_at, now)
        self.answers_since_cut += 1
        if self.cut_at is None or sent_at < self.changed_at:
            return
        self.answers_since_change += 1
        lasted_seconds = now - self.changed_at
        if lasted_seconds < WINDOW_SECONDS or self.per_second >= self.most_per_second:
            return
        if self._climbs(now - self.cut_at):
            if self.answers_since_change >= CLIMB_PROOF_ANSWERS:
                self._leap(now)
        elif self.answers_since_change >= PROOF_ANSWERS:
            rests = now - self.cut_at < REST_PER_RETRY_AFTER * self.retry_after_seconds
            if not rests:
                self._change(self._raised(), now)

    def note_limit(self, sent_at: float, retry_after_seconds: float | None, now: float) -> None:
        """Note a 429 for the request sent at `sent_at`; slow down, once for all that were under way."""
        self.heard_at = max(self.heard_at, now)
        if self.refused_since is None:
            self.refused_since = now
        if retry_after_seconds is not None:
            self.retry_at = max(self.retry_at, now + min(retry_after_seconds, MOST_RETRY_AFTER_SECONDS))
            self.next_at = max(self.next_at, self.retry_at)
        if self.cut_at is not None and sent_at <= self.cut_at:
            return
        self._forget(now)
        climbed = self.leap > 0
        running_seconds = now - self.resumed_at if self.resumed_at is not None else 0.0
        self.paused, lowered = self._lowered(now, running_seconds)
        if self.answers_since_cut >= LONG_ANSWERS / 2 and running_seconds >= STEADY_SECONDS:
            self.steady_per_second = self.answers_since_cut / running_seconds
        self.refused_per_second = lowered if climbed else self.per_second
        self.retry_after_seconds = retry_after_seconds or 0.0
        self.cut_at, self.resumed_at = now, None
        self.answers_since_cut = self.leap = 0
        self._change(lowered, now)
        self.next_at = max(
            self.next_at, now + max(1 / self.per_second, self._until_there_is_room(climbed, now))
        )

    def _lowered(self, now: float, running_seconds: float) -> tuple[bool, float]:
        """Estimate the limit at the moment of a 429; the first value tells to let a whole window pass."""
        within_window = sum(count for _, count in self.answered) / WINDOW_SECONDS
        if self.leap:
            self.climbs_left = max(0, self.climbs_left - 1)
            if self.leap <= 2:
                return False, self.climb_from
            return False, KEEP_BELOW * min(self.per_second, max(within_window, self.leapt_from))
        if self.cut_at is None:
            known = self.answers_since_cut >= PROOF_ANSWERS
            return False, KEEP_BELOW * min(self.per_second, within_window) if known else self.per_second / 2
        if self.answers_since_cut >= LONG_ANSWERS:
            since_cut = now - self.cut_at
            counted_seconds = running_seconds if self.retry_after_seconds else since_cut
            on_average = self.answers_since_cut / counted_seconds
            latest = within_window if since_cut >= WINDOW_SECONDS else 0.0
            return False, KEEP_BELOW * min(self.per_second, max(on_average, latest))
        half = self.per_second / 2
        if half < FALLEN * self.steady_per_second:
            self.climbs_left, self.steady_per_second = CLIMBS_AFTER_A_FALL, 0.0
        if self.climbs_left and self.paused and within_window:
            # The window was empty before: what it holds now is the limit.
            half = min(half, KEEP_BELOW * within_window)
        return bool(self.climbs_left or self.steady_per_second), half

    def _until_there_is_room(self, climbed: bool, now: float) -> float:
        """Return for how many seconds a sliding window of the present rate is full."""
        if self.paused:
            return WINDOW_SECONDS
        if not self.answered:
            return 0.0
        if climbed:
            # Each that follows takes the place of one answered a window before.
            place, seconds = 0, 0.0
            for at, count in self.answered:
                seconds = max(seconds, at + WINDOW_SECONDS - place / self.per_second - now)
                place += count
            return seconds
        full = sum(count for _, count in self.answered) > self.per_second * WINDOW_SECONDS
        return self.answered[0][0] + WINDOW_SECONDS - now if full else 0.0

    def _climbs(self, since_cut_seconds: float) -> bool:
        """Tell whether the rate is raised in leaps."""
        again = self.climbs_left > 0 and since_cut_seconds >= CLIMB_EVERY_SECONDS
        return self.leap > 0 or again or self.per_second > MAY_DIFFER * self.refused_per_second

    def _leap(self, now: float) -> None:
        if self.leap <= 1:
            self.climb_from = self.per_second
        self.leapt_from = self.per_second
        factor = LEAPS[min(self.leap, len(LEAPS) - 1)]
        self.leap += 1
        self._change(factor * self.per_second, now)

    def _raised(self) -> float:
        """Return the rate to try after a proved one."""
        if self.refused_per_second > MAY_DIFFER * self.per_second:
            return math.sqrt(self.refused_per_second * self.per_second)
        beyond = self.per_second - self.refused_per_second
        return self.per_second + max(GROWTH * self.per_second, beyond / 2)

    def _change(self, per_second: float, now: float) -> None:
        self.per_second = min(self.most_per_second, max(LEAST_PER_SECOND, per_second))
        self.changed_at = now
        self.answers_since_change = 0

    def _follow_clock(self, now: float) -> None:
        """Keep the waits as long as they were if the database's clock was set back, and bound them."""
        set_back_seconds = self.heard_at - now
        if set_back_seconds < CLOCK_SET_BACK_SECONDS:
            set_back_seconds = 0.0
        self.heard_at -= set_back_seconds
        self.retry_at = min(self.retry_at - set_back_seconds, now + MOST_RETRY_AFTER_SECONDS)
        self.next_at = min(self.next_at - set_back_seconds, max(self.retry_at, now + MOST_AHEAD_SECONDS))

    def _count(self, now: float) -> None:
        if self.answered and 0 <= now - self.answered[-1][0] < BUCKET_SECONDS:
            at, count = self.answered[-1]
            self.answered[-1] = at, count + 1
            return
        insort(self.answered, (now, 1))
        self._forget(self.answered[-1][0])

    def _forget(self, now: float) -> None:
        while self.answered and self.answered[0][0] < now - WINDOW_SECONDS:
            del self.answered[0]
