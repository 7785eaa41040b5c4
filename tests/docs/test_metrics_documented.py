"""The table of metrics in the documentation has the names and kinds that the code has, and no others."""

from __future__ import annotations

import re

from agora.dag_support import metrics
from tests.support.paths import ROOT

PAGE = ROOT / "docs" / "operations" / "observability.md"
ROW = re.compile(r"^\| `(agora\.[\w.]+)` \| (\w+) \|", re.MULTILINE)


def test_the_table_is_what_the_code_sends() -> None:
    kinds = {
        **dict.fromkeys(metrics.GAUGES, "gauge"),
        **dict.fromkeys(metrics.COUNTERS, "counter"),
        **dict.fromkeys(metrics.TIMERS, "timer"),
    }
    rows = ROW.findall(PAGE.read_text("utf-8"))
    assert dict(rows) == kinds
    assert len(rows) == len(kinds)
