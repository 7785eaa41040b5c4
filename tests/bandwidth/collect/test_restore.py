"""The restore drill: the commands from the documentation restore identical data on an empty server."""

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
from tests.bandwidth.collect.night import assert_collected, keys, night_of, product, window_days
from tests.support.paths import ROOT
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

PAGE = ROOT / "docs" / "operations" / "backup.md"
DUMP, RESTORE, RESTORE_AIRFLOW, MIGRATE, REBUILD = (
    [shlex.split(line) for line in block.splitlines()]
    for block in re.findall(r"```sh\n(.*?)\n```", PAGE.read_text("utf-8"), re.DOTALL)
)


@pytest.fixture(scope="module")
def source() -> Iterator[Warehouse]:
    with throwaway() as server:
        migrate(server.url())
        yield Warehouse(server, "warehouse")


@pytest.fixture
def empty_server() -> Iterator[Throwaway]:
    """Yield a durable server that contains only the objects created by initdb and a superuser password."""
    with throwaway(durable=True) as server:
        with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
            for statement in (
                "drop database warehouse",
                "drop database airflow",
                "drop role owner, loader, analyst, airflow",
            ):
                cursor.execute(statement)
        yield server


def assert_empty(server: Throwaway) -> None:
    with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
        cursor.execute(
            "select datname from pg_database where not datistemplate"
            " union all select rolname from pg_roles where rolname !~ '^pg_'"
        )
        assert cursor.fetchall() == [("postgres",), ("postgres",)]
    with pytest.raises(WarehouseError, match=r"role \"loader\" does not exist.* Run sql/setup/roles\.sql"):
        migrate(server.url(SUPERUSER, "postgres"))


def run(server: Throwaway, folder: Path, command: list[str], **environment: str) -> str:
    """Run a command from the page unchanged, in a folder that looks like the repository root."""
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
    """Set passwords in the same way as the password command of psql."""
    with server.connect(SUPERUSER, "postgres") as connection, connection.cursor() as cursor:
        for role in roles:
            verifier = extensions.encrypt_password(server.passwords[role], role, connection, "scram-sha-256")
            cursor.execute(f"alter role {role} password '{verifier}'")


def schema(server: Throwaway, folder: Path) -> str:
    """Return everything except rows: definitions, comments, owners and rights."""
    text = run(server, folder, ["pg_dump", "--schema-only", "--create", "warehouse"])
    # pg_dump writes a random key into each dump.
    return re.sub(r"^\\(un)?restrict .*$", "", text, flags=re.MULTILINE)


def test_a_dump_restored_on_an_empty_server_is_identical_and_collection_continues(
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
        dumped, expected_schema = source.checksums(), schema(source.server, tmp_path)
        for command in DUMP:
            run(source.server, tmp_path, command)
        everything.run()
        assert source.checksums() != dumped

        assert_empty(empty_server)
        for command in RESTORE:
            run(empty_server, tmp_path, command)
        set_passwords(empty_server, "owner", "loader", "analyst")

        restored = Warehouse(empty_server, "warehouse")
        assert restored.checksums() == dumped
        assert dumped["mart.bandwidth_5min"][0] == 288 * (2 * len(days) - 1) - 1
        assert dumped["mart.billing_monthly"][0] >= 2
        assert dumped["mart.billing_monthly_total"][0] >= 1

        owner = {"AGORA_WAREHOUSE_OWNER_URL": restored.url(), "PYTHONPATH": str(ROOT / "plugins")}
        for command in MIGRATE:
            run(empty_server, tmp_path, command, **owner)
        assert restored.checksums() == dumped

        # Restored views may have different parentheses. After they are recreated, the schema is identical.
        restored.run("comment on table public.warehouse_version is null")
        for command in MIGRATE:
            run(empty_server, tmp_path, command, **owner)
        assert restored.checksums() == dumped
        assert schema(empty_server, tmp_path) == expected_schema

        for command in REBUILD:
            done = run(empty_server, tmp_path, command, **owner)
            assert done == f"Rebuilt the stored aggregates of {2 * len(days)} app-days.\n"
        assert restored.rows("select * from core.changed_app_day") == []
        for view in ("mart.coverage", "mart.billing_monthly", "mart.bandwidth_daily"):
            assert restored.checksums()[view] == dumped[view]

        again = replace(everything, warehouse=restored)
        planned, _ = again.run()
        third = product([sandbox.app_ids[2]], days)
        assert set(keys(planned.app_days)) == {gappy, refused} | third
        assert_collected(again, sandbox, product(sandbox.app_ids, days))
        points = "mart.bandwidth_5min"
        assert restored.checksums()[points] == source.checksums()[points]


def airflow(server: Throwaway, folder: Path, fernet_key: str, *arguments: str) -> str:
    """Run an Airflow command with a server's database."""
    environment = {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__FERNET_KEY": fernet_key,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": server.url("airflow", "airflow"),
    }
    return run(server, folder, ["airflow", *arguments], **environment)


def test_the_airflow_database_is_restored_with_its_connections(
    empty_server: Throwaway, tmp_path: Path
) -> None:
    key = Fernet.generate_key().decode()
    get_connection = ("connections", "get", "agora_second", "--output", "json")
    with throwaway() as source:
        airflow(source, tmp_path, key, "db", "migrate")
        airflow(source, tmp_path, key, "connections", "add", "agora_second", "--conn-uri", "http://a:b@c")
        before = airflow(source, tmp_path, key, *get_connection)
        for command in DUMP[1:]:
            run(source, tmp_path, command)

    for command in RESTORE_AIRFLOW:
        run(empty_server, tmp_path, command)
    set_passwords(empty_server, "airflow")

    airflow(empty_server, tmp_path, key, "db", "check-migrations")
    assert json.loads(airflow(empty_server, tmp_path, key, *get_connection)) == json.loads(before)
