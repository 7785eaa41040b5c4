"""Reads kept answers anew, without asking the vendor: after the decoder or a time zone was corrected."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike
from sqlalchemy import Engine

from agora.bandwidth.grid import SLOTS_PER_DAY, starts_at
from agora.bandwidth.normalise import Outcome, normalise
from agora.bandwidth.reading import read
from agora.bandwidth.summary import Summary
from agora.warehouse import app_days, raw_answers, wanted
from agora.warehouse.app_days import Held, Withdrawal

APP_DAYS_AT_ONCE = 500


def replay(engine: Engine, from_date: date, to_date: date, app_ids: Sequence[str] = ()) -> Summary:
    """Read the kept answers of wanted app-days as the present decoder does, and bring in what they say.

    Of several answers for an app-day the one with the most points counts, the latest of those, as if they had
    arrived anew. Points in the warehouse that their own answer no longer yields are taken back. Everything
    that changes points leaves a row in core.restatement. Committed a few hundred app-days at a time.

    Args:
        engine: To the warehouse, as the loader.
        from_date: First usage date.
        to_date: Last usage date, included.
        app_ids: Only these apps; empty for all.

    Returns:
        What came of it; app-days of which no answer was kept are not counted.
    """
    summary = Summary()
    for offset in range((to_date - from_date).days + 1):
        usage_date = from_date + timedelta(days=offset)
        with engine.connect() as connection:
            zones = wanted.zones_of(connection, usage_date, app_ids)
        for timezone, chunk in _chunks(zones):
            summary.add(_replayed(engine, usage_date, timezone, chunk))
    return summary


def _chunks(zones: dict[str, str]) -> Iterator[tuple[str, list[str]]]:
    by_zone: defaultdict[str, list[str]] = defaultdict(list)
    for app_id, timezone in zones.items():
        by_zone[timezone].append(app_id)
    for timezone, app_ids in by_zone.items():
        rest = iter(app_ids)
        while chunk := list(islice(rest, APP_DAYS_AT_ONCE)):
            yield timezone, chunk


def _replayed(engine: Engine, usage_date: date, timezone: str, app_ids: list[str]) -> Summary:
    with engine.begin() as connection:
        held = app_days.held(connection, usage_date, app_ids)
        readings: defaultdict[str, list[Outcome]] = defaultdict(list)
        for answer in raw_answers.of_day(connection, usage_date, app_ids):
            readings[answer.app_id].append(read(answer, attempts=0))
        best = {app_id: _best(of_app) for app_id, of_app in readings.items()}
        withdrawals = [
            _withdrawal(held[app_id], reading, best[app_id])
            for app_id, of_app in readings.items()
            for reading in of_app
            if app_id in held and _contradicts(reading, held[app_id], timezone)
        ]
        app_days.withdraw(connection, withdrawals)
        # A refusal is nothing new but where points were taken back for it.
        sound = normalise([reading for reading in best.values() if reading.kbps is not None], timezone)
        changed = app_days.load(connection, sound)
        changed += sum(best[withdrawal.app_id].kbps is None for withdrawal in withdrawals)
    return Summary.of(normalise(best.values(), timezone), changed=changed)


def _best(readings: list[Outcome]) -> Outcome:
    """Return the one with the most points, of equal ones the latest; they come oldest first."""
    return max(reversed(readings), key=lambda reading: -1 if reading.kbps is None else _points(reading.kbps))


def _points(kbps: ArrayLike) -> int:
    return int(np.count_nonzero(~np.isnan(kbps)))


def _contradicts(reading: Outcome, held: Held, timezone: str) -> bool:
    """Tell whether the points held are from this answer, but not what it says."""
    if reading.body_sha256 != held.body_sha256:
        return False
    return (
        reading.kbps is None
        or _absent_as_none(reading.kbps) != held.kbps
        or starts_at(reading.usage_date, timezone) != held.starts_at
    )


def _absent_as_none(kbps: ArrayLike) -> list[float | None]:
    return [None if math.isnan(rate) else rate for rate in np.asarray(kbps).tolist()]


def _withdrawal(held: Held, reading: Outcome, best: Outcome) -> Withdrawal:
    new: list[float | None] = [None] * SLOTS_PER_DAY if best.kbps is None else _absent_as_none(best.kbps)
    pairs = list(zip(held.kbps, new, strict=True))
    return Withdrawal(
        reading.app_id,
        reading.usage_date,
        reading.reason or "its answer reads differently now",
        points_changed=sum(old is not None and old != rate for old, rate in pairs),
        points_added=sum(old is None and rate is not None for old, rate in pairs),
        new_collected_at=best.collected_at,
        new_body_sha256=None if best.kbps is None else best.body_sha256,
    )
