"""The restore drill: the page's own commands, an empty server, and every number the same as before."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from psycopg2 import extensions

from agora.errors import WarehouseError
from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.roles import SUPERUSER
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.bandwidth.collect.night import assert_true, keys, night_of, product, window_days
from tests.support.paths import ROOT
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

PAGE = ROOT / "docs" / "operations" / "backup.md"
DUMP, RESTORE, RESTORE_AIRFLOW, MIGRATE, REBUILD = (
    [shlex.split(line) for line in block.splitlines()]
    for block in re.findall(r"```sh\n(.*?)\n```", PAGE.read_text("utf-8"), re.DOTALL)
)
RELATIONS = """
select oid::regclass::text as name from pg_class
where relnamespace::regnamespace::text in ('raw', 'core', 'mart') and relkind in ('r', 'v') order by 1
"""


@pytest.fixture(scope="module")
def source() -> Iterator[Warehouse]:
    with throwaway() as server:
        migrate(server.url())
        yield Warehouse(server, "warehouse")


@pytest.fixture
def empty_server() -> Iterator[Throwaway]:
    """Yield a durable server with nothing on it but what initdb makes and the superuser's password."""
    with throwaway(durable=True) as server:
        with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
            for statement in (
                "drop database warehouse",
                "drop database airflow",
                "drop role owner, loader, analyst, airflow",
            ):
                cursor.execute(statement)
        yield server


def require_empty(server: Throwaway) -> None:
    with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute(
            "select datname from pg_database where not datistemplate"
            " union all select rolname from pg_roles where rolname !~ '^pg_'"
        )
        assert cursor.fetchall() == [("postgres",), ("postgres",)]
    with pytest.raises(WarehouseError, match=r"role \"loader\" does not exist.* run sql/setup/roles\.sql"):
        migrate(server.url(SUPERUSER, "postgres"))


def run(server: Throwaway, folder: Path, command: list[str], **environment: str) -> str:
    """Run a command of the page as it stands there, in a folder that looks like the repository's root."""
    programs = server.cluster.programs.directory
    done = subprocess.run(
        command,
        cwd=folder,
        env={
            "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": server.passwords[SUPERUSER],
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def set_passwords(server: Throwaway, *roles: str) -> None:
    """Do what psql's command for passwords does."""
    with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
        for role in roles:
            verifier = extensions.encrypt_password(server.passwords[role], role, connection, "scram-sha-256")
            cursor.execute(f"alter role {role} password '{verifier}'")


def schema(server: Throwaway, folder: Path) -> str:
    """Return everything that is no row: definitions, comments, owners and rights."""
    text = run(server, folder, ["pg_dump", "--schema-only", "--create", "warehouse"])
    # A key made up for each dump.
    return re.sub(r"^\\(un)?restrict .*$", "", text, flags=re.MULTILINE)


def checksums(warehouse: Warehouse) -> dict[str, tuple[int, str]]:
    """Return rows and digest of each relation, over all its columns."""
    found = {}
    for relation in warehouse.rows(RELATIONS):
        name = relation["name"]
        (row,) = warehouse.rows(
            f"select count(*), md5(string_agg(t::text, chr(10) order by t::text)) from {name} as t"
        )
        found[name] = (row["count"], row["md5"])
    return found


def test_a_dump_restored_into_an_empty_server_is_the_same_and_collecting_goes_on(
    source: Warehouse, empty_server: Throwaway, tmp_path: Path
) -> None:
    (tmp_path / "sql").symlink_to(ROOT / "sql")
    with running_sandbox(apps=3, quiet=True) as sandbox:
        days = window_days(sandbox)
        everything = night_of(sandbox, source)
        two_apps = replace(everything, apps=everything.apps[:2])
        gappy, refused = (sandbox.app_ids[0], days[-3]), (sandbox.app_ids[1], days[-4])
        sandbox.put_faults(
            [
                {"kind": "withhold", "app": 0, "usage_date": str(gappy[1]), "slots": ["07:35"]},
                {"kind": "body", "app": 1, "usage_date": str(refused[1]), "body": "<html>Bad Gateway</html>"},
            ]
        )
        two_apps.run()
        sandbox.put_faults([])
        dumped, meant = checksums(source), schema(source.server, tmp_path)
        for command in DUMP:
            run(source.server, tmp_path, command)
        everything.run()
        assert checksums(source) != dumped

        require_empty(empty_server)
        for command in RESTORE:
            run(empty_server, tmp_path, command)
        set_passwords(empty_server, "owner", "loader", "analyst")

        restored = Warehouse(empty_server, "warehouse")
        assert checksums(restored) == dumped
        assert dumped["mart.bandwidth_5min"][0] == 288 * (2 * len(days) - 1) - 1
        assert dumped["mart.billing_monthly"][0] >= 2
        assert dumped["mart.billing_monthly_total"][0] >= 1

        owner = {"AGORA_WAREHOUSE_OWNER_URL": restored.url(), "PYTHONPATH": str(ROOT / "plugins")}
        for command in MIGRATE:
            run(empty_server, tmp_path, command, **owner)
        assert checksums(restored) == dumped

        # Its own text read again, PostgreSQL sets other parentheses; of views made anew all is the same.
        restored.run("comment on table public.warehouse_version is null")
        for command in MIGRATE:
            run(empty_server, tmp_path, command, **owner)
        assert checksums(restored) == dumped
        assert schema(empty_server, tmp_path) == meant

        for command in REBUILD:
            done = run(empty_server, tmp_path, command, **owner)
            assert done == f"Rebuilt the stored aggregates of {2 * len(days)} app-days.\n"
        assert restored.rows("select * from core.changed_app_day") == []
        for view in ("mart.coverage", "mart.billing_monthly", "mart.bandwidth_daily"):
            assert checksums(restored)[view] == dumped[view]

        again = replace(everything, warehouse=restored)
        planned, _ = again.run()
        third = product([sandbox.app_ids[2]], days)
        assert set(keys(planned.app_days)) == {gappy, refused} | third
        assert_true(again, sandbox, product(sandbox.app_ids, days))
        points = "mart.bandwidth_5min"
        assert checksums(restored)[points] == checksums(source)[points]


def airflow(server: Throwaway, folder: Path, fernet_key: str, *arguments: str) -> str:
    """Run Airflow's command line on a server's database."""
    environment = {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__FERNET_KEY": fernet_key,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": server.url("airflow", "airflow"),
    }
    return run(server, folder, ["airflow", *arguments], **environment)


def test_airflows_database_comes_back_with_what_was_entered(empty_server: Throwaway, tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    entered = ("connections", "get", "agora_second", "--output", "json")
    with throwaway() as source:
        airflow(source, tmp_path, key, "db", "migrate")
        airflow(source, tmp_path, key, "connections", "add", "agora_second", "--conn-uri", "http://a:b@c")
        before = airflow(source, tmp_path, key, *entered)
        for command in DUMP[1:]:
            run(source, tmp_path, command)

    for command in RESTORE_AIRFLOW:
        run(empty_server, tmp_path, command)
    set_passwords(empty_server, "airflow")

    airflow(empty_server, tmp_path, key, "db", "check-migrations")
    assert json.loads(airflow(empty_server, tmp_path, key, *entered)) == json.loads(before)
