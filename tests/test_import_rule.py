"""Import rules: only some packages import Airflow, and client and warehouse do not import each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import agora
import sandbox
from agora.resources import DAGS

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

# A task needs these modules only while it runs, if at all. Airflow itself loads SQLAlchemy, so the list has
# our module that uses it.
ONLY_WHILE_RUNNING = (
    *("agora.settings.apps", "agora.settings.connections", "agora.settings.contracts"),
    *("agora.warehouse.engine", "aiohttp", "asyncpg", "numpy", "pandas", "psycopg2"),
)
# `@task` and `@task_group` load this module and with it a third of a second of Airflow's own imports.
DECORATORS = "airflow.providers.standard.operators.python"
PARSE = """
import importlib, runpy, sys

modules, files, watched = (argument.split() for argument in sys.argv[1:])
for name in modules:
    importlib.import_module(name)
for path in files:
    runpy.run_path(path)
print("Loaded:", *sorted({*watched} & {*sys.modules}))
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


def loaded_by(names: Iterable[str], dags: Iterable[Path], watched: Iterable[str], home: Path) -> list[str]:
    """Return which of the watched modules are loaded after importing modules and DAG files."""
    lists = [" ".join(map(str, each)) for each in (names, dags, watched)]
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PARSE, *lists],
        env={"PYTHONPATH": str(AGORA.parent), "AIRFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip().rpartition("\n")[2].split()[1:]


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


def test_operators_and_dag_files_load_no_library_before_a_task_runs(tmp_path: Path) -> None:
    operators = [name for name in modules() if name.startswith(("agora.operators.", "agora.hooks."))]
    dags = sorted(DAGS.glob("*.py"))
    assert len(operators) > 10
    assert len(dags) > 8
    assert loaded_by(operators, dags, ONLY_WHILE_RUNNING, tmp_path) == []


def test_collecting_tasks_do_not_load_airflows_python_operators(tmp_path: Path) -> None:
    assert loaded_by([], DAGS.glob("agora_bandwidth_*.py"), [DECORATORS], tmp_path) == []
    # The only DAG with a Python function as a task.
    assert loaded_by([], [DAGS / "agora_push_stream_broadcast.py"], [DECORATORS], tmp_path) == [DECORATORS]


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
