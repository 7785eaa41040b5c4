"""The table of the loading benchmark, and its place in the documents."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tests.bench import documents
from tests.bench.contestants import Contestant
from tests.bench.loading_picture import drawn
from tests.bench.loading_result import Result
from tests.support.paths import ROOT

DOCUMENT = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "pictures" / "loading.svg"
COLUMNS = (
    "seconds",
    "points per second",
    "ratio",
    "CPU seconds: itself, sandbox, PostgreSQL",
    "peak MB: itself, PostgreSQL",
    "rounds",
)


def table(result: Result) -> str:
    """Return a workload's results as a table in Markdown."""
    head = (f"{result.load.name}, {result.load.points:,} points", *COLUMNS)
    rows = [_row(result, contestant) for contestant in result.samples]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ("---",) * len(head), *rows)) + "\n"


def write(results: Sequence[Result], description: str) -> None:
    """Write tables, machine and picture into the documents."""
    PICTURE.write_text(drawn(results))
    paragraph = textwrap.fill(description, 118, break_on_hyphens=False) + "\n"
    documents.rewrite(DOCUMENT, "loading", "\n".join([*map(table, results), paragraph]))


def _row(result: Result, contestant: Contestant) -> tuple[str, ...]:
    wall_seconds = result.wall_seconds(contestant)
    cpu = [f"{result.cpu_seconds(contestant, who):.2f}" for who in ("itself", "sandbox", "PostgreSQL")]
    peak = [f"{result.peak_bytes(contestant, who) / 1e6:.0f}" for who in ("itself", "PostgreSQL")]
    return (
        contestant.name,
        f"{wall_seconds:.2f}",
        f"{result.load.points / wall_seconds:,.0f}",
        result.ratio(contestant),
        ", ".join(cpu),
        ", ".join(peak),
        str(len(result.samples[contestant])),
    )
