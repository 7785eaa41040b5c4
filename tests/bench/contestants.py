"""The contestants in loading: our loader, the limits, and the alternatives."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import StrEnum

from tests.support.paths import ROOT

COMPETITORS_PYTHON = str(ROOT / ".venv-competitors" / "bin" / "python")


class Kind(StrEnum):
    """The role of a contestant in the comparison."""

    OURS = "ours"
    LIMIT = "limit"
    COMPETITOR = "competitor"


@dataclass(frozen=True)
class Contestant:
    """A measured program.

    Attributes:
        name: Name in the table of results.
        kind: Role in the comparison.
        module: Module that `python -m` runs.
        tables: Tables that are emptied before a run.
        points: Relation with one row per stored point and a column `kbps`; empty if nothing is stored.
        arguments: Command-line arguments.
        schema: Schema of its tables.
        role: PostgreSQL role of the connection.
        python: Interpreter of its environment.
    """

    name: str
    kind: Kind
    module: str
    tables: str = ""
    points: str = ""
    arguments: tuple[str, ...] = ()
    schema: str = "public"
    role: str = "owner"
    python: str = sys.executable


def _competitor(name: str, module: str, *arguments: str) -> Contestant:
    schema = "_".join((module, *arguments))
    return Contestant(
        name,
        Kind.COMPETITOR,
        f"tests.bench.competitors.{module}",
        tables=f"{schema}.point",
        points=f"{schema}.point",
        arguments=arguments,
        schema=schema,
        python=COMPETITORS_PYTHON,
    )


OURS = Contestant(
    "ours, HTTP to commit: plan, fetch, store raw, decode, load",
    Kind.OURS,
    "tests.bench.ours",
    tables="raw.bandwidth_response, core.vendor_account",
    points="mart.bandwidth_5min",
    role="loader",
)
CONTESTANTS = (
    OURS,
    Contestant("limit: fetch the responses, discard them", Kind.LIMIT, "tests.bench.limits.fetch"),
    Contestant(
        "limit: COPY one row per point, with a key",
        Kind.LIMIT,
        "tests.bench.limits.copy",
        tables="point_row",
        points="point_row",
        arguments=("point_row",),
    ),
    Contestant(
        "limit: COPY one row per app-day, with a key",
        Kind.LIMIT,
        "tests.bench.limits.copy",
        tables="day_row",
        points="(select unnest(kbps) as kbps from day_row)",
        arguments=("day_row",),
    ),
    _competitor("dlt, hand-tuned, Arrow batches", "dlt_arrow"),
    _competitor("dlt `rest_api`, one Arrow table per response", "dlt_rest_api", "arrow"),
    _competitor("dlt `rest_api`, rows", "dlt_rest_api", "rows"),
    _competitor("Singer SDK tap, `target-postgres`", "singer"),
    _competitor("tutorial: requests, DataFrames, `to_sql`", "tutorial"),
)
