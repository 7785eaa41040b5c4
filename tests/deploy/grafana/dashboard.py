"""The dashboard's file, and its SQL with variables and macros expanded as in Grafana."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.support.paths import ROOT

FOLDER = ROOT / "deploy" / "grafana"
DASHBOARD: dict[str, Any] = json.loads(
    (FOLDER / "dashboards" / "agora_bandwidth.json").read_text(encoding="utf-8")
)
PANELS: dict[str, dict[str, Any]] = {panel["title"]: panel for panel in DASHBOARD["panels"]}
VARIABLES: dict[str, dict[str, Any]] = {
    variable["name"]: variable for variable in DASHBOARD["templating"]["list"]
}
VARIABLE = re.compile(r"\$(?!__)(\w+)")
MACRO = re.compile(r"\$(__\w+)\(([^)]*)\)")


@dataclass(frozen=True)
class Chosen:
    """A user's choices on the dashboard: apps, month and time range (aware)."""

    app: Sequence[str]
    month: str
    from_time: datetime
    to_time: datetime


def sql_of(panel: Mapping[str, Any]) -> str:
    (target,) = panel["targets"]
    return str(target["rawSql"])


def expand(sql: str, chosen: Chosen) -> str:
    """Return the text that Grafana's PostgreSQL data source would send.

    Variables are replaced first (in the browser): a multi-value variable by a list of literals, any other by
    its text with doubled quotes. Macros follow (in the server). Any other name raises KeyError.
    """
    values = {
        "app": ",".join("'" + app_id.replace("'", "''") + "'" for app_id in chosen.app),
        "month": chosen.month.replace("'", "''"),
    }
    macros = {"__timeFrom": _rfc3339(chosen.from_time), "__timeTo": _rfc3339(chosen.to_time)}
    with_values = VARIABLE.sub(lambda match: values[match[1]], sql)
    return MACRO.sub(lambda match: f"'{macros[match[1]]}'", with_values)


def _rfc3339(instant: datetime) -> str:
    """Return a time in UTC in the format of Go's time.RFC3339Nano, without trailing zeros in the fraction."""
    text = instant.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
    return text.removesuffix(".000") + "Z"
