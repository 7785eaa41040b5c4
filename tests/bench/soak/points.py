"""The vendor's points, changed as scripted, and their comparison with a warehouse through `mart`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sandbox.traffic.slots import SLOT_LABELS
from tests.support.sandbox_server import RunningSandbox

AppDay = tuple[str, date]
STORED = """
select app_id, usage_date,
    array_agg(extract(epoch from interval_start)::bigint % 86400 / 300 order by interval_start),
    array_agg(kbps::float8 order by interval_start)
from mart.bandwidth_5min group by app_id, usage_date
"""
WITHHELD = SLOT_LABELS[100:112]
FACTOR = 1.2


@dataclass
class Comparison:
    """How a warehouse differs from the vendor's points."""

    app_days: int = 0
    points: int = 0
    differing: int = 0
    missing: int = 0
    unexpected: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether the warehouse has exactly the vendor's points."""
        return not (self.differing or self.missing or self.unexpected)


class Vendor:
    """A sandbox with late points and restatements."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self._first = date.fromisoformat(sandbox.health()["oldest_usage_date"])
        self._restated: set[AppDay] = set()
        self._withheld: set[AppDay] = set()

    def restate(self, app_days: list[AppDay]) -> None:
        """Serve other points of some app-days from now on."""
        self._restated |= {*app_days}
        self._script()

    def withhold(self, app_days: list[AppDay]) -> None:
        """Withhold points of these app-days, and serve all points that were withheld before."""
        self._withheld = {*app_days}
        self._script()

    def compare(self, sql: Callable[[str], list[tuple[Any, ...]]]) -> Comparison:
        """Compare every app-day since the first that was available, up to yesterday.

        Args:
            sql: Runs a statement in the warehouse and returns its rows.
        """
        found = Comparison()
        stored = {row[:2]: row[2:] for row in sql(STORED)}
        for app_day in self._app_days(self.sandbox.today() - timedelta(days=1)):
            slots, points = stored.pop(app_day, ((), ()))
            expected = self._points(app_day)
            found.app_days += 1
            found.points += len(points)
            as_stored = dict(zip(map(int, slots), points, strict=True))
            found.missing += len(expected.keys() - as_stored.keys())
            found.unexpected += len(as_stored.keys() - expected.keys())
            found.differing += sum(as_stored[slot] != expected[slot] for slot in as_stored.keys() & expected)
        found.unexpected += sum(len(points) for _, points in stored.values())
        return found

    def _app_days(self, last: date) -> Iterator[AppDay]:
        for number in range((last - self._first).days + 1):
            for app_id in self.sandbox.app_ids:
                yield app_id, self._first + timedelta(days=number)

    def _points(self, app_day: AppDay) -> dict[int, float]:
        factor = FACTOR if app_day in self._restated else 1
        withheld = WITHHELD if app_day in self._withheld else ()
        return {
            slot: round(point * factor) if factor != 1 else point
            for slot, point in enumerate(self.sandbox.points(*app_day))
            if point is not None and SLOT_LABELS[slot] not in withheld
        }

    def _script(self) -> None:
        def of(app_day: AppDay) -> dict[str, Any]:
            return {"app_id": app_day[0], "usage_date": str(app_day[1])}

        faults = [{"kind": "restate", "factor": FACTOR, **of(each)} for each in sorted(self._restated)]
        faults += [{"kind": "withhold", "slots": [*WITHHELD], **of(each)} for each in sorted(self._withheld)]
        self.sandbox.put_faults(faults)
