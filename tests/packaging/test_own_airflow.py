"""An Airflow with only the wheel and a three-line DAG file runs the pipeline."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

import agora
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.packaging.wheel import build, install
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox, running_sandbox

pytestmark = pytest.mark.slow

DAG_FILE = '''\
"""Airflow reads Agora's DAGs from this file."""

from agora.dags import *
'''
SOME_DAGS = '''\
"""Airflow reads two of Agora's DAGs from this file."""

from agora.dags import agora_bandwidth_daily, agora_bandwidth_watch
'''
LIST_DAGS = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
found = DagBag(sys.argv[1])
print("\\n" + json.dumps([sorted(found.dag_ids), [*found.import_errors.values()]]))
"""
LIST_FORMS = """
import json
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
forms = {form.connection_type: sorted(form.extra_fields or {}) for form in HookMetaService.hook_meta_data()}
print("\\n" + json.dumps(forms))
"""
LIST_PLUGINS = """
import json
from airflow import plugins_manager
plugins, errors = plugins_manager._get_plugins()
print("\\n" + json.dumps([[plugin.name, str(plugin.source)] for plugin in plugins] + [errors]))
"""


@dataclass(frozen=True)
class OwnAirflow:
    """An Airflow installation.

    Attributes:
        bin: Folder of its programs.
        home: AIRFLOW_HOME, where every command runs.
        variables: Environment of every command.
    """

    bin: Path
    home: Path
    variables: dict[str, str]

    def run(self, program: str, *arguments: str | Path) -> str:
        """Run one of the installation's programs and return its output."""
        done = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.home,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def airflow(self, *arguments: str) -> str:
        """Run an Airflow command and return its output."""
        return self.run("python", "-W", "ignore", "-m", "airflow", *arguments)

    def result(self, program: str, *arguments: str | Path) -> Any:
        """Run a Python program and return its last line of output, parsed as JSON."""
        return json.loads(self.run("python", "-W", "ignore", "-c", program, *arguments).rpartition("\n\n")[2])


@pytest.fixture(scope="module")
def server() -> Iterator[Throwaway]:
    with throwaway(durable=True) as server:
        yield server


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=2) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, server: Throwaway, sandbox: RunningSandbox) -> OwnAirflow:
    """Return an installation with connections, apps, a warehouse and the DAG file."""
    place = tmp_path_factory.mktemp("own")
    home = place / "airflow"
    (home / "dags").mkdir(parents=True)
    (home / "dags" / "agora.py").write_text(DAG_FILE)
    loader = make_url(server.url("loader"))
    account = {
        "conn_type": "agora_dashboard",
        "host": sandbox.base_url,
        "login": sandbox.customer_id,
        "password": sandbox.customer_certificate,
    }
    warehouse = {
        "conn_type": "postgres",
        "host": loader.host,
        "port": loader.port,
        "schema": loader.database,
        "login": loader.username,
        "password": loader.password,
    }
    own = OwnAirflow(
        install(build(ROOT, place / "wheel"), place / "environment"),
        home,
        {
            "PATH": os.environ["PATH"],
            "HOME": str(place),
            "NO_PROXY": "127.0.0.1",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": server.url("airflow", "airflow"),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW_CONN_AGORA_DASHBOARD": json.dumps(account),
            "AIRFLOW_CONN_AGORA_WAREHOUSE": json.dumps(warehouse),
            "AIRFLOW_VAR_AGORA_APPS": json.dumps(sandbox.app_ids),
            "AGORA_WAREHOUSE_OWNER_URL": server.url("owner"),
        },
    )
    own.run("python", "-m", "agora.warehouse.migrations")
    own.airflow("db", "migrate")
    own.airflow("pools", "set", "agora_api", "4", "Tasks that collect")
    return own


def test_the_package_comes_from_the_wheel(own: OwnAirflow) -> None:
    where = own.result("import agora, json; print('\\n' + json.dumps(agora.__file__))")
    assert Path(where).is_relative_to(own.bin.parent)


def test_airflow_lists_the_provider(own: OwnAirflow) -> None:
    providers = json.loads(own.airflow("providers", "list", "--output", "json"))
    versions = [each["version"] for each in providers if each["package_name"] == "agora-bandwidth"]
    assert versions == [agora.__version__]


def test_airflow_loads_the_plugin_once(own: OwnAirflow) -> None:
    *plugins, errors = own.result(LIST_PLUGINS)
    assert [source for name, source in plugins if name == "agora"] == [
        f"agora-bandwidth=={agora.__version__}: EntryPoint"
        "(name='agora', value='agora.plugin:AgoraPlugin', group='airflow.plugins')"
    ]
    assert errors == {}
    assert "agora.timetable.UsageDateTimetable" in own.airflow("plugins", "--output", "json")


def test_connections_have_their_forms(own: OwnAirflow) -> None:
    forms = own.result(LIST_FORMS)
    assert {"timezone", "window", "requests_per_second", "ca_file", "proxy"} <= set(forms["agora_dashboard"])
    assert forms["agora_push_stream"] == ["ca_file", "proxy"]


def test_a_three_line_file_loads_every_dag(own: OwnAirflow) -> None:
    every_dag = sorted(path.stem for path in (ROOT / "dags").glob("*.py"))
    assert own.result(LIST_DAGS, own.home / "dags") == [every_dag, []]


def test_a_file_may_import_only_some_dags(own: OwnAirflow, tmp_path: Path) -> None:
    (tmp_path / "agora.py").write_text(SOME_DAGS)
    assert own.result(LIST_DAGS, tmp_path) == [["agora_bandwidth_daily", "agora_bandwidth_watch"], []]


def test_the_nightly_run_collects_the_month(own: OwnAirflow, server: Throwaway) -> None:
    own.airflow("dags", "test", "agora_bandwidth_daily")
    with server.connect("analyst") as connection, connection.cursor() as cursor:
        cursor.execute("select state, count(*) from mart.coverage group by state")
        states = dict(cursor.fetchall())
        cursor.execute("select count(distinct app_id) from mart.billing_monthly where points > 0")
        billed = cursor.fetchone()
    assert states.keys() == {"collected"}
    assert states["collected"] >= 2 * 28
    assert billed == (2,)
