"""The kinds of faults that change the points in a bandwidth response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from sandbox.faults.base import Endpoint, Fault, is_int, is_number, require
from sandbox.traffic.apps import App
from sandbox.traffic.served_day import ServedDay, Value
from sandbox.traffic.slots import SLOT_NUMBERS

KBPS_PER_UNIT = {"bps": 0.001, "kbps": 1, "Mbps": 1_000, "Gbps": 1_000_000}


@dataclass(frozen=True)
class PointsFault(Fault):
    """A fault that leaves the points unchanged. Each kind overrides the methods for its own effects."""

    endpoints: ClassVar[tuple[Endpoint, ...]] = (Endpoint.BANDWIDTH,)

    def change(self, value: Value, day: ServedDay) -> Value:
        """Return the changed points in kbps.

        Args:
            value: The true points, with any changes made by earlier faults in the script.
            day: The true points of every app.
        """
        return value

    def unit(self) -> str | None:
        """Return the unit of the response, or None for kbps."""
        return None


@dataclass(frozen=True)
class WithholdFault(PointsFault):
    """Leaves out the points of the given slots."""

    kind: ClassVar[str] = "withhold"
    slots: list[str]

    def __post_init__(self) -> None:
        require(
            isinstance(self.slots, list)
            and all(isinstance(slot, str) and slot in SLOT_NUMBERS for slot in self.slots),
            'slots must be a list of five-minute slots such as "00:05"',
        )

    def effect(self) -> str:
        """Return a description that names the slots."""
        more = len(self.slots) - 6
        names = ", ".join(self.slots[:6]) + (f" and {more} more slots" if more > 0 else "")
        return f"Leaves out the points of {names or 'no slot'}."

    def change(self, value: Value, day: ServedDay) -> Value:
        """Return the points without the withheld slots."""
        return {slot: kbps for slot, kbps in value.items() if slot not in self.slots}


@dataclass(frozen=True)
class RestateFault(PointsFault):
    """Multiplies the points by a factor, as in a restatement."""

    kind: ClassVar[str] = "restate"
    summary: ClassVar[str] = "Multiplies the points by {factor:g}."
    factor: float

    def __post_init__(self) -> None:
        require(is_number(self.factor) and self.factor >= 0, "factor must be a number, zero or above")

    def change(self, value: Value, day: ServedDay) -> Value:
        """Return the multiplied points. Integers stay integers."""
        return {
            slot: round(kbps * self.factor) if isinstance(kbps, int) else kbps * self.factor
            for slot, kbps in value.items()
        }


@dataclass(frozen=True)
class ScaleUnitFault(PointsFault):
    """Converts the points to another unit and names that unit in the response."""

    kind: ClassVar[str] = "scale_unit"
    summary: ClassVar[str] = "Converts the points to {to}."
    to: str = field(metadata={"name": "unit"})

    def __post_init__(self) -> None:
        require(self.to in KBPS_PER_UNIT, f"unit must be one of {', '.join(KBPS_PER_UNIT)}")

    def unit(self) -> str:
        """Return the scripted unit."""
        return self.to


@dataclass(frozen=True)
class ZerosFault(PointsFault):
    """Serves a point of 0 in every slot, including slots without a true point. A past day has 288 zeros."""

    kind: ClassVar[str] = "zeros"
    summary: ClassVar[str] = "Serves a point of 0 in every slot."

    def change(self, value: Value, day: ServedDay) -> Value:
        """Return zeros for all slots that have ended."""
        return dict.fromkeys(day.labels(), 0)


@dataclass(frozen=True)
class SameAsFault(PointsFault):
    """Serves the true points of another app, so that both bodies are byte-identical.

    Name the other app by its index (same_as) or by its App ID (same_as_app_id).
    """

    kind: ClassVar[str] = "same_as"
    summary: ClassVar[str] = "Serves the true points of the app {same_as_app_id}."
    same_as: int | None = None
    same_as_app_id: str | None = None

    def __post_init__(self) -> None:
        require(
            (self.same_as is None) != (self.same_as_app_id is None),
            "the other app must be named by same_as or same_as_app_id, not by both",
        )

    def resolved(self, apps: Sequence[App]) -> SameAsFault:
        """Return the fault with the other app's App ID in place of its index."""
        if self.same_as is None:
            known = any(app.app_id == self.same_as_app_id for app in apps)
            require(known, f"same_as_app_id {self.same_as_app_id!r} is not an App ID of this account")
            return self
        known = is_int(self.same_as) and 0 <= self.same_as < len(apps)
        require(known, f"same_as must be an index below {len(apps)}")
        return SameAsFault(same_as_app_id=apps[self.same_as].app_id)

    def change(self, value: Value, day: ServedDay) -> Value:
        """Return the other app's true points."""
        return day.true_value(str(self.same_as_app_id))


def in_unit(value: Value, unit: str) -> Value:
    """Convert a day's points from kbps to another unit."""
    if unit == "kbps":
        return value
    if unit == "bps":
        return {slot: kbps * 1000 for slot, kbps in value.items()}
    return {slot: kbps / KBPS_PER_UNIT[unit] for slot, kbps in value.items()}
