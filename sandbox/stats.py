"""Request counts for the Dashboard API. Channel requests and control requests are not included."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

# Counted in place of an HTTP status if the connection was closed without a response.
NO_RESPONSE = "none"


class Stats:
    """Counts since the start or the last reset. Times are real times, not the sandbox clock's."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.reset()

    def reset(self) -> None:
        """Set all counts to zero."""
        # Read only once, so that a correction to the wall clock cannot reverse the order of two times.
        self._epoch = time.time() - self._monotonic()
        self._requests = 0
        self._by_status: Counter[str] = Counter()
        self._by_app: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._usage_dates: defaultdict[str, Counter[date]] = defaultdict(Counter)
        self._first_request: float | None = None
        self._last_request: float | None = None
        self._last_response: float | None = None
        self._recent: deque[float] = deque()  # arrival times within the last second
        self._most_within_a_second = 0

    def count_request(self) -> None:
        """Count a request when it arrives."""
        now = self._monotonic()
        self._requests += 1
        self._last_request = now
        if self._first_request is None:
            self._first_request = now
        recent = self._recent
        recent.append(now)
        while now - recent[0] >= 1:
            recent.popleft()
        if len(recent) > self._most_within_a_second:
            self._most_within_a_second = len(recent)

    def count_response(self, status: str, app_id: str | None, usage_date: date | None) -> None:
        """Count a response.

        Args:
            status: The HTTP status, or NO_RESPONSE.
            app_id: The App ID, if the account or the fault script contains it.
            usage_date: The usage date, if the sandbox read the date of the request.
        """
        self._last_response = self._monotonic()
        self._by_status[status] += 1
        if app_id is not None:
            self._by_app[app_id][status] += 1
            if usage_date is not None:
                self._usage_dates[app_id][usage_date] += 1

    def to_dict(self) -> dict[str, Any]:
        """Return all counts for `/_sandbox/stats`."""
        first, last = self._first_request, self._last_response
        return {
            "requests": self._requests,
            "by_status": dict(self._by_status),
            "by_app": {app_id: dict(counts) for app_id, counts in self._by_app.items()},
            "usage_dates": {
                app_id: {day.isoformat(): count for day, count in sorted(counts.items())}
                for app_id, counts in self._usage_dates.items()
            },
            "first_request_at": self._wall_time(first),
            "last_request_at": self._wall_time(self._last_request),
            "last_answer_at": self._wall_time(last),
            "seconds_from_first_request_to_last_answer": (
                None if first is None or last is None else last - first
            ),
            "most_requests_within_one_second": self._most_within_a_second,
        }

    def _wall_time(self, moment: float | None) -> str | None:
        if moment is None:
            return None
        return datetime.fromtimestamp(self._epoch + moment, UTC).isoformat(timespec="microseconds")
