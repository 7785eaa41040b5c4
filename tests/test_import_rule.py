"""Import rules: only some packages import Airflow, and client and warehouse do not import each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import agora
import sandbox

pytestmark = pytest.mark.unit

AGORA = Path(agora.__file__).parent
SANDBOX = Path(sandbox.__file__).parent
MAY_IMPORT_AIRFLOW = (
    "callbacks",
    "dag_support",
    "dags",
    "hooks",
    "listeners",
    "operators",
    "plugin",
    "task_groups",
    "timetable",
    "web",
)

WITHOUT_AIRFLOW = """
import importlib, importlib.abc, sys

class NoAirflow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "airflow":
            raise ImportError(f"Airflow is blocked: {name}")
        return None

sys.meta_path.insert(0, NoAirflow())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def modules() -> list[str]:
    names = []
    for path in sorted(AGORA.rglob("*.py")):
        parts = ["agora", *path.relative_to(AGORA).with_suffix("").parts]
        names.append(".".join(parts).removesuffix(".__init__"))
    return names


def imports_without_airflow(*names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_AIRFLOW, *names],
        cwd=AGORA.parent,
        env={"PYTHONPATH": str(AGORA.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def imported_by(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path} imports relatively"
                # `from agora import client` imports agora.client, just as `import agora.client` does.
                yield from ((path, f"{node.module}.{alias.name}") for alias in node.names)


def test_the_core_imports_without_airflow() -> None:
    core = [
        name
        for name in modules()
        if not name.startswith(tuple(f"agora.{package}" for package in MAY_IMPORT_AIRFLOW))
    ]
    assert {"agora.errors", "agora.bandwidth.collect", "agora.client.http"} <= set(core)
    result = imports_without_airflow(*core)
    assert result.returncode == 0, result.stderr


def test_the_block_on_airflow_is_effective() -> None:
    result = imports_without_airflow("agora.dag_support.variables")
    assert result.returncode != 0
    assert "Airflow is blocked" in result.stderr


def test_batches_import_without_airflow() -> None:
    assert imports_without_airflow("agora.dag_support.batches").returncode == 0


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("client", ("agora.warehouse", "agora.bandwidth", "sqlalchemy", "pandas")),
        ("warehouse", ("agora.client", "agora.bandwidth", "aiohttp")),
    ],
)
def test_client_and_warehouse_do_not_import_each_other(package: str, forbidden: tuple[str, ...]) -> None:
    imported = list(imported_by(AGORA / package))
    assert imported
    assert [found for found in imported if found[1].startswith(forbidden)] == []


def test_tasks_get_an_engine_only_through_the_server_checks() -> None:
    """`hooks.warehouse.warehouse` refuses a server that may lose commits, and explains errors."""
    created_in = {path.name for path, name in imported_by(AGORA) if name.endswith(".warehouse_engine")}
    checked_in = {path.name for path, name in imported_by(AGORA) if name.endswith(".require_durable_server")}
    assert checked_in == {"warehouse.py", "owner.py"}
    # No task runs these two modules. Their commands start in owner.py.
    assert created_in - checked_in == {"migrate.py", "rebuild.py"}
    assert [found for found in imported_by(AGORA) if found[1] == "sqlalchemy.create_engine"] == [
        (AGORA / "warehouse" / "engine.py", "sqlalchemy.create_engine")
    ]


def test_the_sandbox_does_not_import_agora() -> None:
    imported = list(imported_by(SANDBOX))
    assert imported
    assert [found for found in imported if found[1].partition(".")[0] == "agora"] == []


def test_agora_does_not_import_the_sandbox() -> None:
    assert [found for found in imported_by(AGORA) if found[1].partition(".")[0] == "sandbox"] == []
