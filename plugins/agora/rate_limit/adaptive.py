"""State machine that finds a vendor account's rate limit. It has no clock, does not wait and does no I/O.

docs/rate_limiting.md explains the states and the curve.
"""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import Any

WINDOW_SECONDS = 1.0  # the vendor states its limits per second
FEW_RESPONSES = 8  # fewer responses cannot measure a limit
PROBE_SECONDS = 4.0  # finds a rise from 2 to 10 per second in 20 s, at one 429 per 8 s of probing
STEADY_RESPONSES = 120  # about one 429 in 180 requests, below the promised 1 %
RESPONSES_PER_WAIT = 25.0  # STEADY lasts 50 times as long as a Retry-After, which takes 2 % of the time
FALL = 0.5  # an estimate below this share of a lasting rate shows that the limit itself fell
LASTING_SECONDS = 12.0  # longer than a token bucket's five-second burst at twice its rate
ROUNDS_AT_START, ROUNDS_AFTER_FALL = 3, 10  # PROBING rounds; ten take more than a minute
LEAST_PER_SECOND = 0.01
# Without other responses, 429s lower the rate no further than to one request per 20 s.
LEAST_UNMEASURED_PER_SECOND = 0.075
BLOCK_SECONDS = 0.05  # permits are granted this far ahead; below 40 per second, one at a time
LATE_SECONDS = 0.02  # the most lateness that is made up for, less than a limit's own tolerance
FORGET_SECONDS = 600.0  # after this long without a response, the limit is learned again
GIVE_UP_AFTER_SECONDS = 300.0  # the client gives up on an account that returns only 429s for this long
MOST_RETRY_AFTER_SECONDS = 86_400.0
CLOCK_ERROR_SECONDS = 1.0  # the processes' estimates of the database clock differ by less


class State(StrEnum):
    """State of the search for the limit."""

    OPEN = "open"  # no 429 yet: the configured rate
    BACKING_OFF = "backing_off"  # 429s came too soon to measure anything: half the rate
    PROBING = "probing"  # the estimate is rough, or the limit fell and may return
    STEADY = "steady"  # just below the limit, rarely exceeding it to measure again


DEPTH = {State.BACKING_OFF: 1 / 3, State.PROBING: 0.1, State.STEADY: 0.02}


def is_too_late(throttled_since: float, now: float) -> bool:
    """Return whether an account has returned only 429s for too long."""
    return now > throttled_since + GIVE_UP_AFTER_SECONDS


@dataclasses.dataclass
class AdaptiveLimit:
    """Rate-limit state of one vendor account. All times are in seconds on the same clock."""

    configured_per_second: float  # upper bound of the rate
    per_second: float  # present rate
    next_at: float  # time of the next permit
    heard_at: float  # time of the last response
    measured_since: float  # start of the sample, which excludes responses to earlier requests
    state: State = State.OPEN
    limit_per_second: float = 0.0  # estimate of the vendor's limit
    lasting_per_second: float = 0.0  # estimate that held for LASTING_SECONDS; 0 if there is none
    responses: int = 0  # in the sample, other than 429
    rounds_left: int = ROUNDS_AT_START  # samples still to be taken in PROBING
    retry_after_seconds: float = 0.0  # of the last 429
    retry_at: float = 0.0  # end of the longest Retry-After
    throttled_since: float | None = None  # time of the first 429 since the last other response

    @classmethod
    def fresh(cls, configured_per_second: float, now: float) -> AdaptiveLimit:
        """Return the initial state of an account."""
        return cls(configured_per_second, configured_per_second, now, now, now)

    @classmethod
    def from_json(cls, stored: Any, configured_per_second: float, now: float) -> AdaptiveLimit:
        """Return the stored state, or a fresh state if nothing usable and recent is stored."""
        fresh = cls.fresh(configured_per_second, now)
        try:
            if stored.keys() != vars(fresh).keys():
                return fresh
            limit = cls(**stored | {"state": State(stored["state"])})
            limit._follow_clock(now)
            if now - limit.heard_at > FORGET_SECONDS:
                fresh.retry_at, fresh.next_at = limit.retry_at, max(now, limit.retry_at)
                return fresh
            limit.configured_per_second = configured_per_second
            limit._follow_curve(now)
            soon = now + WINDOW_SECONDS + 1 / limit.per_second
            limit.next_at = min(limit.next_at, max(limit.retry_at, soon))
        except (AttributeError, TypeError, ValueError):
            return fresh
        return limit

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON-compatible values."""
        return dict(vars(self))

    def grant(self, now: float, permits: int = 1) -> tuple[int, float]:
        """Grant up to one block of permits. Return their number, or 0 and the seconds to wait."""
        late_seconds, gap_seconds = now - self.next_at, 1 / self.per_second
        if late_seconds < 0:
            return 0, -late_seconds
        if late_seconds > WINDOW_SECONDS:
            self.measured_since += late_seconds  # idle time is not part of the sample
        granted = max(1, min(permits, int(self.per_second * BLOCK_SECONDS)))
        block_seconds = granted * gap_seconds
        self.next_at = max(self.next_at, now - min(LATE_SECONDS, block_seconds)) + block_seconds
        return granted, 0.0

    def is_hopeless(self, now: float) -> bool:
        """Return whether to give up on the account instead of waiting for the next permit."""
        if self.retry_at > now + GIVE_UP_AFTER_SECONDS:
            return True
        return self.throttled_since is not None and is_too_late(self.throttled_since, self.next_at)

    def record_response(self, sent_at: float, now: float) -> None:
        """Record a response other than 429."""
        if self.throttled_since is not None and now >= self.throttled_since:
            self.throttled_since = None
        self.heard_at = max(self.heard_at, now)
        if sent_at >= self.measured_since:
            self.responses += 1
            self._follow_curve(now)

    def record_throttled(self, sent_at: float, retry_after_seconds: float | None, now: float) -> None:
        """Record a 429, and lower the rate once for all requests that were in progress."""
        self.heard_at = max(self.heard_at, now)
        if self.throttled_since is None:
            self.throttled_since = now
        wait_seconds = min(retry_after_seconds or 0.0, MOST_RETRY_AFTER_SECONDS)
        if retry_after_seconds is not None:
            self.retry_at = max(self.retry_at, now + wait_seconds)
            self.next_at = max(self.next_at, self.retry_at)
        if sent_at < self.measured_since:
            return
        before = self.per_second
        self._estimate(now - self.measured_since)
        self.retry_after_seconds, self.responses = wait_seconds, 0
        self._follow_curve(now)
        # Wait until a sliding window has room at the new rate, or until the window is empty when backing off.
        full = 1.0 if self.state is State.BACKING_OFF else 1 - self.per_second / before
        gap_seconds = 1 / self.per_second
        self.next_at = max(self.next_at, now + max(gap_seconds, full * WINDOW_SECONDS))
        self.measured_since = self.next_at - gap_seconds / 2  # n responses take between n and n + 1 gaps

    def _estimate(self, seconds: float) -> None:
        """Estimate the limit from the responses in the sample that a 429 ended."""
        is_first, is_short = self.state is State.OPEN, self.responses < FEW_RESPONSES
        was_empty = self.state in (State.OPEN, State.BACKING_OFF)  # one window may admit the whole sample
        least_seconds = WINDOW_SECONDS if was_empty or is_short else self.responses / self.per_second
        average = min(self.per_second, self.responses / max(seconds, least_seconds))
        if not is_first and (self.responses or not was_empty):  # repeated halvings count as one round
            self.rounds_left = max(0, self.rounds_left - 1)
        if not self.responses or (is_short and not was_empty and average < FALL * self.per_second):
            known = self.limit_per_second or self.per_second
            self.state = State.BACKING_OFF
            self.limit_per_second = max(0.75 * self.per_second, min(LEAST_UNMEASURED_PER_SECOND, known))
            return
        if seconds >= LASTING_SECONDS:
            self.lasting_per_second = average
        if not is_first and self.per_second > self.limit_per_second:  # the last estimate was exceeded
            average = (average + self.per_second) / 2
        self.limit_per_second = average
        if average < FALL * self.lasting_per_second:
            self.lasting_per_second, self.rounds_left = 0.0, ROUNDS_AFTER_FALL
        self.state = State.PROBING if self.rounds_left else State.STEADY

    def _follow_curve(self, now: float) -> None:
        """Set the rate, which rises to the estimate, stays near it, and then exceeds it ever faster."""
        rate = self.configured_per_second
        if self.state is not State.OPEN:
            missed = self.retry_after_seconds * self.limit_per_second
            span = max(STEADY_RESPONSES, RESPONSES_PER_WAIT * missed)
            if self.state is not State.STEADY:
                span = min(span, max(FEW_RESPONSES, PROBE_SECONDS * self.limit_per_second))
            if self.state is State.BACKING_OFF and self.responses >= span:
                self.state = State.PROBING if self.rounds_left else State.STEADY
                self.responses, self.measured_since = 0, now
            rate = self.limit_per_second * (1 + DEPTH[self.state] * (self.responses / span - 1) ** 3)
        self.per_second = min(self.configured_per_second, max(LEAST_PER_SECOND, rate))

    def _follow_clock(self, now: float) -> None:
        """Keep the remaining waits unchanged if the clock was set back."""
        set_back_seconds = self.heard_at - now
        if set_back_seconds > CLOCK_ERROR_SECONDS:
            self.heard_at, self.measured_since = now, min(now, self.measured_since)
            self.retry_at -= set_back_seconds
            if self.throttled_since is not None:
                self.throttled_since -= set_back_seconds
        self.retry_at = min(self.retry_at, now + MOST_RETRY_AFTER_SECONDS)
