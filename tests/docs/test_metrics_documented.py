"""The documented table of metrics has exactly the names and kinds in the code."""

from __future__ import annotations

import re

from agora.dag_support import metrics
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "operations" / "observability.md"
ROW = re.compile(r"^\| `(agora\.[\w.]+)` \| (\w+) \|", re.MULTILINE)


def test_the_table_matches_the_code() -> None:
    kinds = {
        **dict.fromkeys(metrics.GAUGES, "gauge"),
        **dict.fromkeys(metrics.COUNTERS, "counter"),
        **dict.fromkeys(metrics.TIMERS, "timer"),
    }
    rows = ROW.findall(PAGE.read_text("utf-8"))
    assert dict(rows) == kinds
    assert len(rows) == len(kinds)
