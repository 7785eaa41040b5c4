"""The plugin, which every task imports, registers the page but does not import the page."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT

LOADED = """
import json, sys
from airflow.sdk import plugins_manager
before = set(sys.modules)
plugin = __import__("agora.plugin").plugin.AgoraPlugin
views = [(view["destination"], view["href"], view.get("icon")) for view in plugin.external_views]
print("\\n" + json.dumps([sorted(set(sys.modules) - before), views]))
"""


def loaded(home: Path, base_url: str) -> tuple[list[str], list[tuple[str, str, str | None]]]:
    """Return the modules that the plugin imports, and the places at which Airflow shows the page."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", LOADED],
        env={
            "PATH": os.environ["PATH"],
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__BASE_URL": base_url,
            "PYTHONPATH": str(ROOT / "plugins"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    modules, views = json.loads(result.stdout.rpartition("\n\n")[2])
    return modules, [tuple(view) for view in views]


def test_a_task_imports_no_module_of_the_page(tmp_path: Path) -> None:
    modules, _ = loaded(tmp_path, "http://localhost:8080")
    ours = {name for name in modules if name.partition(".")[0] == "agora"}
    assert ours - {"agora"} == {
        "agora.listeners",
        "agora.plugin",
        "agora.timetable",
        "agora.web",
        "agora.web.mount",
    }
    assert {"fastapi", "plotly", "pandas", "sqlalchemy.engine.create"}.isdisjoint(modules)


@pytest.mark.parametrize(
    ("base_url", "root"),
    [
        ("http://localhost:8080", ""),
        ("https://data.example/airflow/", "/airflow"),
        ("https://e.example/a/b", "/a/b"),
    ],
)
def test_the_page_follows_the_path_of_airflows_base_url(tmp_path: Path, base_url: str, root: str) -> None:
    _, views = loaded(tmp_path, base_url)
    assert views == [
        ("nav", f"{root}/agora/bandwidth/", f"{root}/agora/bandwidth/assets/frame/icon.svg"),
    ]
