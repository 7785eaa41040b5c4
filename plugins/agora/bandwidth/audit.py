"""Compare stored points with their stored responses, to find points that bypassed the loader."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from sqlalchemy import Engine

from agora.bandwidth.replay import newest
from agora.bandwidth.response_rows import read
from agora.domain import SLOTS_PER_DAY
from agora.text import format_count
from agora.warehouse.audit_queries import StoredPoints, read_points_to_compare

# Number of older app-days. Comparing them takes about 20 s on one core, as long as comparing the last 62 days
# of 800 apps, which are always compared. With up to 100 apps and 500 days, each week's sample covers every
# older day.
SAMPLE = 50_000
NAMED = 20
NO_POINTS = [None] * SLOTS_PER_DAY


@dataclass
class Comparison:
    """Result of a comparison.

    Attributes:
        compared: Number of compared app-days.
        unproven: Number of app-days whose response was deleted by retention.
        differing: App, day and difference for each app-day whose points differ from its responses.
    """

    compared: int = 0
    unproven: int = 0
    differing: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Describe the result in a few sentences."""
        text = f"Compared the points of {format_count(self.compared, 'app-day')} with their stored responses."
        if self.unproven:
            text += (
                f" {format_count(self.unproven, 'app-day')} without a stored response could not be compared."
            )
        if not self.differing:
            return f"{text} All agree."
        named = "; ".join(self.differing[:NAMED])
        more = f"; and {len(self.differing) - NAMED:,} more" if len(self.differing) > NAMED else ""
        return f"{text} Differences in {format_count(len(self.differing), 'app-day')}: {named}{more}."


def compare(engine: Engine, sample: int = SAMPLE) -> Comparison:
    """Decode the stored responses for some app-days again, and compare the results with the stored points.

    Args:
        engine: Warehouse engine, connected as the loader. Nothing is written.
        sample: Number of app-days older than 62 days, chosen at random. All newer app-days are compared.
    """
    with engine.connect() as connection:
        return compared(read_points_to_compare(connection, sample))


def compared(app_days: Iterable[StoredPoints]) -> Comparison:
    """Compare app-days with their responses and return the result."""
    comparison = Comparison()
    for app_day in app_days:
        if not app_day.responses:
            comparison.unproven += 1
            continue
        comparison.compared += 1
        if difference := _difference(app_day):
            comparison.differing.append(f"{app_day.app_id} on {app_day.usage_date} ({difference})")
    return comparison


def _difference(app_day: StoredPoints) -> str:
    """Describe how an app-day's points differ from its responses. Return an empty string if they agree."""
    if any(sha256(response.body).digest() != response.body_sha256 for response in app_day.responses):
        return "the stored response does not match its stored digest"
    if app_day.kbps is None:
        responses = app_day.due  # a run may be about to load the other responses
    else:
        if all(response.body_sha256 != app_day.body_sha256 for response in app_day.responses):
            return "the response that delivered its points is not stored"
        responses = app_day.due or app_day.responses
    received = newest([read(response) for response in responses]).kbps if responses else None
    if received is None:
        return "" if app_day.kbps is None else "its stored response cannot be decoded"
    stored, meant = np.array(app_day.kbps or NO_POINTS, dtype=np.float64), np.asarray(received)
    differ = (stored != meant) & ~(np.isnan(stored) & np.isnan(meant))
    if not differ.any():
        return ""
    slot = int(differ.argmax())
    return (
        f"{format_count(int(differ.sum()), 'point')}, the first in slot {slot + 1}:"
        f" stored {_rate(stored[slot])}, received {_rate(meant[slot])}"
    )


def _rate(kbps: float) -> str:
    return "nothing" if np.isnan(kbps) else f"{kbps:.15g} kbps"
