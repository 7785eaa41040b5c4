"""Decode stored responses again, after a decoder fix or a time-zone correction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np
from numpy.typing import ArrayLike
from sqlalchemy import Engine

from agora.bandwidth.batch_result import BatchResult
from agora.bandwidth.normalise import Outcome, normalise
from agora.bandwidth.response_rows import read
from agora.domain import starts_at
from agora.warehouse import app_days, merge_app_days, raw_responses
from agora.warehouse.app_days import StoredDay


def replay(
    engine: Engine,
    from_date: date,
    to_date: date,
    app_ids: Sequence[str] = (),
    *,
    correct_zone: bool = False,
) -> BatchResult:
    """Decode the stored responses for expected app-days with the current decoder, and store their points.

    The responses for an app-day are applied in order of arrival, by the same rule as in
    `merge_app_days.load`: a newer response wins if it contradicts a point or has more points. Points that are
    no longer in any response are removed. Changed points are recorded in core.restatement. Each usage date
    is processed in its own transaction.

    Args:
        engine: Warehouse engine, connected as the loader.
        from_date: First usage date.
        to_date: Last usage date, inclusive.
        app_ids: Chosen apps. Empty: all apps.
        correct_zone: Move the start of each day to midnight in the account's current time zone. By default,
            a day keeps the time zone in which it was collected.

    Returns:
        The result. App-days without a stored response are not counted.
    """
    result = BatchResult()
    for offset in range((to_date - from_date).days + 1):
        result.add(
            _replay_date(engine, from_date + timedelta(days=offset), app_ids, correct_zone=correct_zone)
        )
    return result


def _replay_date(
    engine: Engine, usage_date: date, app_ids: Sequence[str], *, correct_zone: bool
) -> BatchResult:
    with engine.begin() as connection:
        held = {day.app_id: day for day in app_days.lock_stored(connection, usage_date, app_ids)}
        begins = {
            app_id: starts_at(usage_date, day.timezone)
            if correct_zone or not day.starts_at
            else day.starts_at
            for app_id, day in held.items()
        }
        readings: defaultdict[str, list[Outcome]] = defaultdict(list)
        for response in raw_responses.of_day(connection, usage_date, list(held)):
            readings[response.app_id].append(read(response, starts_at=begins[response.app_id]))
        for app_id, day in held.items():
            # Stored points still count if retention deleted their response, and a day can move without a
            # response.
            known = {reading.body_sha256 for reading in readings.get(app_id, [])}
            if day.kbps is not None and day.body_sha256 not in known and (known or correct_zone):
                readings[app_id].insert(0, _stored(day, usage_date, begins[app_id]))
        if not readings:
            return BatchResult()
        final = normalise([newest(of_app) for of_app in readings.values()], "UTC")
        return BatchResult.of(final, changed=merge_app_days.replace(connection, final))


def _stored(day: StoredDay, usage_date: date, begins: datetime) -> Outcome:
    """Return a day's stored points as an outcome."""
    return Outcome(
        day.app_id,
        usage_date,
        np.array(day.kbps, dtype=np.float64),
        http_status=day.http_status,
        collected_at=day.collected_at,
        body_sha256=day.body_sha256,
        starts_at=begins,
    )


def newest(readings: Sequence[Outcome]) -> Outcome:
    """Return the outcome that wins among several outcomes in order of arrival."""
    best = readings[0]
    for reading in readings[1:]:
        if best.kbps is None or (reading.kbps is not None and _wins(reading.kbps, best.kbps)):
            best = reading
    return best


def _wins(newer: ArrayLike, older: ArrayLike) -> bool:
    """Return whether newer points contradict older ones or outnumber them."""
    new, old = np.asarray(newer), np.asarray(older)
    both = ~np.isnan(new) & ~np.isnan(old)
    return bool((new[both] != old[both]).any()) or _points(new) > _points(old)


def _points(kbps: ArrayLike) -> int:
    return int(np.count_nonzero(~np.isnan(kbps)))
