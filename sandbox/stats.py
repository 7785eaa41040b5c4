"""What the sandbox counts of the Dashboard API's calls, and nothing of channels or of the control calls."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

# In place of a status where the connection was closed without an answer.
NO_ANSWER = "none"


class Stats:
    """Counts of calls since the start or a reset; times are real, whatever the sandbox's clock says."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.reset()

    def reset(self) -> None:
        """Forgets everything counted."""
        # Taken once, so that two moments never swap places when the wall clock is corrected.
        self._epoch = time.time() - self._monotonic()
        self._requests = 0
        self._by_status: Counter[str] = Counter()
        self._by_app: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._usage_dates: defaultdict[str, Counter[date]] = defaultdict(Counter)
        self._first: float | None = None
        self._last: float | None = None
        self._last_answer: float | None = None
        self._within_a_second: deque[float] = deque()
        self._most_within_a_second = 0

    def arrived(self) -> None:
        """Counts a call's arrival."""
        now = self._monotonic()
        self._requests += 1
        self._last = now
        if self._first is None:
            self._first = now
        recent = self._within_a_second
        recent.append(now)
        while now - recent[0] >= 1:
            recent.popleft()
        if len(recent) > self._most_within_a_second:
            self._most_within_a_second = len(recent)

    def answered(self, status: str, app_id: str | None, usage_date: date | None) -> None:
        """Counts a call's answer.

        Args:
            status: The HTTP status, or NO_ANSWER.
            app_id: The App ID of the call, if the account or the fault script has it.
            usage_date: The usage date that was asked for, where the call got as far as that.
        """
        self._last_answer = self._monotonic()
        self._by_status[status] += 1
        if app_id is not None:
            self._by_app[app_id][status] += 1
            if usage_date is not None:
                self._usage_dates[app_id][usage_date] += 1

    def described(self) -> dict[str, Any]:
        """Everything counted, as the control call shows it."""
        return {
            "requests": self._requests,
            "by_status": dict(self._by_status),
            "by_app": {app_id: dict(counts) for app_id, counts in self._by_app.items()},
            "usage_dates": {
                app_id: {day.isoformat(): count for day, count in sorted(counts.items())}
                for app_id, counts in self._usage_dates.items()
            },
            "first_request_at": self._wall_time(self._first),
            "last_request_at": self._wall_time(self._last),
            "last_answer_at": self._wall_time(self._last_answer),
            "seconds_from_first_request_to_last_answer": (
                None if self._first is None or self._last_answer is None else self._last_answer - self._first
            ),
            "most_requests_within_one_second": self._most_within_a_second,
        }

    def _wall_time(self, moment: float | None) -> str | None:
        if moment is None:
            return None
        return datetime.fromtimestamp(self._epoch + moment, UTC).isoformat(timespec="microseconds")
