"""The kinds of fault that change a day's points, which only the bandwidth call has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from sandbox.answers import Value
from sandbox.fault import Fault, demand, is_number
from sandbox.slots import SLOT_NUMBERS

KBPS_PER_UNIT = {"bps": 0.001, "kbps": 1, "Mbps": 1_000, "Gbps": 1_000_000}


@dataclass(frozen=True)
class PointsFault(Fault):
    """What a fault does to the points: nothing, except for what each kind overrides."""

    def changed(self, value: Value) -> Value:
        """Changes the points of a truthful answer, in kbps."""
        return value

    def unit(self) -> str | None:
        """Names the unit that the truthful answer is given in."""
        return None


@dataclass(frozen=True)
class WithholdFault(PointsFault):
    """Leaves points out."""

    kind: ClassVar[str] = "withhold"
    slots: list[str]

    def __post_init__(self) -> None:
        demand(
            isinstance(self.slots, list)
            and all(isinstance(slot, str) and slot in SLOT_NUMBERS for slot in self.slots),
            'slots is a list of five-minute slots such as "00:05"',
        )

    def changed(self, value: Value) -> Value:
        """Drops the withheld slots."""
        return {slot: kbps for slot, kbps in value.items() if slot not in self.slots}


@dataclass(frozen=True)
class RestateFault(PointsFault):
    """Multiplies the points by a factor, as a vendor does who corrects a day."""

    kind: ClassVar[str] = "restate"
    factor: float

    def __post_init__(self) -> None:
        demand(is_number(self.factor) and self.factor >= 0, "factor is a number, zero or above")

    def changed(self, value: Value) -> Value:
        """Multiplies each point; whole numbers stay whole."""
        return {
            slot: round(kbps * self.factor) if isinstance(kbps, int) else kbps * self.factor
            for slot, kbps in value.items()
        }


@dataclass(frozen=True)
class ScaleUnitFault(PointsFault):
    """Gives the points in another unit, correctly converted."""

    kind: ClassVar[str] = "scale_unit"
    to: str = field(metadata={"name": "unit"})

    def __post_init__(self) -> None:
        demand(self.to in KBPS_PER_UNIT, f"unit is one of {', '.join(KBPS_PER_UNIT)}")

    def unit(self) -> str:
        """Names the scripted unit."""
        return self.to


def in_unit(value: Value, unit: str) -> Value:
    """Convert a day from kbps."""
    if unit == "kbps":
        return value
    if unit == "bps":
        return {slot: kbps * 1000 for slot, kbps in value.items()}
    return {slot: kbps / KBPS_PER_UNIT[unit] for slot, kbps in value.items()}
