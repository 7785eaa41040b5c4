"""The nights as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tests.bench.soak.measures import POSTGRES

if TYPE_CHECKING:
    from tests.bench.soak.week import Night

COLUMNS = (
    *("night", "release", "event", "requests", "runs", "failed", "points stored", "missing", "differing"),
    *("Airflow MiB", "PostgreSQL MiB", "warehouse MiB", "bytes per response", "metadata MiB", "logs MiB"),
)
HEAD = [f"| {' | '.join(COLUMNS)} |", f"|{' --- |' * len(COLUMNS)}"]


def text(nights: Sequence[Night]) -> str:
    """Return the table."""
    return "".join(f"{line}\n" for line in _lines(nights))


def row(night: Night) -> str:
    """Return one night's row."""
    measures, comparison = night.measures, night.comparison
    airflow = sum(size for kind, size in measures.idle_bytes.items() if kind != POSTGRES)
    cells = (
        str(night.number),
        night.release,
        night.event,
        f"{night.requests:,}",
        f"{night.runs}",
        f"{len(night.failed_runs)}",
        f"{comparison.points:,}",
        f"{comparison.missing:,}",
        f"{comparison.differing + comparison.unexpected:,}",
        mib(airflow),
        mib(measures.idle_bytes.get(POSTGRES, 0)),
        mib(measures.warehouse_bytes, 1),
        f"{measures.warehouse_bytes / max(1, measures.responses):,.0f}",
        mib(measures.metadata_bytes, 1),
        mib(measures.log_bytes, 1),
    )
    return f"| {' | '.join(cells)} |"


def mib(size: int, digits: int = 0) -> str:
    """Format a size."""
    return f"{size / 2**20:,.{digits}f}"


def _lines(nights: Iterable[Night]) -> list[str]:
    return [*HEAD, *map(row, nights)]
