"""Grafana's files can be parsed, contain no secrets, describe each panel, and use consistent colours."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.deploy.grafana.dashboard import DASHBOARD, FOLDER, PANELS, VARIABLES, sql_of
from tests.support.paths import ROOT
from tests.warehouse.database import Warehouse

DATASOURCE = {"type": "grafana-postgresql-datasource", "uid": "agora-warehouse"}
COLOURS = {
    "collected": "#0072B2",
    "partial": "#E69F00",
    "pending": "#999999",
    "rejected": "#CC79A7",
    "failed": "#D55E00",
    # Black on the light theme, nearly white on the dark one.
    "lost": "text",
}


def provisioned(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / "provisioning" / name).read_text(encoding="utf-8"))
    assert loaded["apiVersion"] == 1
    return loaded


def test_the_data_source_uses_the_analyst_and_settings_from_the_environment() -> None:
    (source,) = provisioned("datasources/agora_warehouse.yaml")["datasources"]
    assert {"type": source["type"], "uid": source["uid"]} == DATASOURCE
    assert source["user"] == "analyst"
    settings = [source["url"], source["jsonData"]["database"], source["jsonData"]["sslmode"]]
    settings += source["secureJsonData"].values()
    assert all(re.fullmatch(r"\$\{AGORA_[A-Z_]+\}", value) for value in settings)
    assert len(set(settings)) == 4


def test_the_data_source_leaves_analyst_connections_for_other_clients(warehouse: Warehouse) -> None:
    (source,) = provisioned("datasources/agora_warehouse.yaml")["datasources"]
    (role,) = warehouse.rows("select rolconnlimit from pg_roles where rolname = 'analyst'")
    assert 0 < source["jsonData"]["maxOpenConns"] <= role["rolconnlimit"] / 2


def test_every_environment_variable_is_documented() -> None:
    text = (FOLDER / "provisioning" / "datasources" / "agora_warehouse.yaml").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "grafana.md").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{(\w+)\}", text))
    assert used
    assert {name for name in used if f"`{name}`" not in page} == set()


def test_the_documented_commands_copy_each_file_to_grafanas_folders(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "grafana.md").read_text(encoding="utf-8")
    (commands,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    etc, var = tmp_path / "etc/grafana", tmp_path / "var/lib/grafana"
    for folder in ("datasources", "dashboards"):
        (etc / "provisioning" / folder).mkdir(parents=True)
    elsewhere = commands.replace("/etc/grafana", str(etc)).replace("/var/lib/grafana", str(var))
    subprocess.run(["sh", "-euc", elsewhere], cwd=ROOT, check=True)
    (provider,) = provisioned("dashboards/agora.yaml")["providers"]
    read_from = Path(str(tmp_path) + provider["options"]["path"])
    copied = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in copied if path.parent == read_from] == ["agora_bandwidth.json"]
    assert sorted(path.name for path in copied if path.parent != read_from) == [
        "agora.yaml",
        "agora_warehouse.yaml",
    ]


def test_the_dashboard_has_a_stable_uid_and_uses_utc() -> None:
    assert (DASHBOARD["uid"], DASHBOARD["timezone"]) == ("agora-bandwidth", "utc")
    assert 39 <= DASHBOARD["schemaVersion"] <= 42, "schema versions of Grafana 11 to 13"


def test_panels_fit_the_grid_and_do_not_overlap() -> None:
    places = [panel["gridPos"] for panel in PANELS.values()]
    assert len({panel["id"] for panel in PANELS.values()}) == len(DASHBOARD["panels"]) == len(PANELS)
    assert all(place["x"] >= 0 and place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above, (one, other)


@pytest.mark.parametrize("title", PANELS)
def test_every_panel_has_a_description_and_queries_the_warehouse(title: str) -> None:
    panel = PANELS[title]
    assert panel["description"].endswith(".")
    is_series = panel["type"] == "timeseries"
    unit = panel["fieldConfig"]["defaults"]["unit"]
    # In a table, Kbits would scale each cell separately. Other units are scaled too, such as days to weeks.
    assert unit in ({"Kbits"} if is_series and "kbps" in sql_of(panel) else {"none", "locale"})
    assert ("kbps" in sql_of(panel)) == (is_series and unit == "Kbits") or "kbps" in panel["title"]
    assert panel["datasource"] == DATASOURCE
    assert panel["targets"][0]["format"] == ("time_series" if is_series else "table")


def test_grafanas_own_model_reads_the_dashboard_and_loses_nothing() -> None:
    register_default_plugins()
    written = JSONEncoder(sort_keys=True).encode(Dashboard.from_json(DASHBOARD))
    assert differences(DASHBOARD, json.loads(written)) == []


def differences(given: Any, written: Any, path: str = "") -> list[str]:
    """Return the paths of the values that are missing or different. Grafana's defaults may be added."""
    if isinstance(given, dict) and isinstance(written, dict):
        pairs = [(f"{path}.{key}", value, written.get(key, "missing")) for key, value in given.items()]
    elif isinstance(given, list) and isinstance(written, list) and len(given) == len(written):
        pairs = [(f"{path}[{i}]", *pair) for i, pair in enumerate(zip(given, written, strict=True))]
    else:
        return [] if given == written else [f"{path}: {given!r} became {written!r}"]
    return [found for where, one, other in pairs for found in differences(one, other, where)]


def test_axes_begin_at_zero_unless_they_are_logarithmic() -> None:
    for panel in PANELS.values():
        if panel["type"] == "timeseries":
            custom = panel["fieldConfig"]["defaults"]["custom"]
            assert custom.get("axisSoftMin") == 0 or custom["scaleDistribution"]["type"] == "log"


def test_variables_query_the_warehouse() -> None:
    assert {name: (v["multi"], v["includeAll"]) for name, v in VARIABLES.items()} == {
        "app": (True, True),
        "month": (False, False),
    }
    assert all(variable["datasource"] == DATASOURCE for variable in VARIABLES.values())


@pytest.mark.parametrize("sql", [*map(sql_of, PANELS.values()), *(v["query"] for v in VARIABLES.values())])
def test_queries_read_only_mart(sql: str) -> None:
    assert not re.search(r"\b(core|raw|pg_catalog|information_schema)\.", sql)


def test_lines_end_at_gaps() -> None:
    lines = [panel for panel in PANELS.values() if panel["fieldConfig"]["defaults"]["unit"] == "Kbits"]
    custom = [p["fieldConfig"]["defaults"]["custom"] for p in lines if p["type"] == "timeseries"]
    assert len(custom) == 4
    assert [options["spanNulls"] for options in custom] == [False] * 4


def fixed_colours(panel: dict[str, Any]) -> dict[str, str]:
    """Return a panel's fixed colours by field."""
    return {
        override["matcher"]["options"]: settings["value"]["fixedColor"]
        for override in panel["fieldConfig"]["overrides"]
        for settings in override["properties"]
        if settings["id"] == "color" and "fixedColor" in settings["value"]
    }


def test_a_state_has_one_colour_everywhere() -> None:
    assert fixed_colours(PANELS["Coverage by day"]) == COLOURS
    uncollected = {state: colour for state, colour in COLOURS.items() if state != "collected"}
    assert fixed_colours(PANELS["Not collected, by state"]) == uncollected
    (cell,) = (
        override["properties"][0]["value"]
        for override in PANELS["Days that expire first"]["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == "state"
    )
    assert {state: shown["color"] for state, shown in cell[0]["options"].items()} == COLOURS


def test_an_app_has_one_colour_everywhere() -> None:
    traffic, daily, monthly = (
        fixed_colours(PANELS[title])
        for title in (
            "Traffic of the selected apps",
            "Daily peaks and 95th percentiles",
            "Monthly peaks and 95th percentiles",
        )
    )
    assert list(traffic) == [f"/^{rank} /" for rank in range(1, 9)]
    assert len(set(traffic.values())) == 8
    assert daily == traffic
    assert monthly.pop("/^sum /") not in traffic.values()
    assert monthly == traffic


def test_no_file_contains_a_secret() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert len(files) == 3
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?i)(password|secret|token)\S*\s*[:=]\s*(?!\s|\$\{)", text), path
        assert not re.search(r"://[^/\s]*:[^/\s]*@", text), path
