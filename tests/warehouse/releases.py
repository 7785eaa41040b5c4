"""Warehouses of earlier releases, restored from the dumps in `released/`.

The dump of 0.1.0 has data, which that release collected from the sandbox: September 2026 of four apps, with
complete, partial, rejected, failed and lost days, a restated day, and an app that left the configuration. Its
schema `released` stores what its views returned. The dumps of later releases have the schema alone.

Record the schema of this release, before its tag: python -m tests.warehouse.releases
"""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from agora.warehouse.migrations.migrate import migrate
from agora.warehouse.migrations.schema_version import REVISIONS, SQL, this_release
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.support.paths import ROOT
from tests.warehouse.database import Warehouse

DUMPS = Path(__file__).parent / "released"
HEAD = max(path.stem.partition("_")[0] for path in (SQL / "migrations" / "versions").glob("*.py"))
# A key that each dump makes up, and the versions of the server and of pg_dump.
PASSING = re.compile(r"^(\\(un)?restrict .*|-- Dumped (from|by) .*)\n", re.MULTILINE)
# sql/setup/database.sql changes these, not a release.
RIGHTS_OF_SERVER_FUNCTIONS = re.compile(
    r"^--\n-- Name: FUNCTION .*; Type: ACL; Schema: pg_catalog; .*\n--\n\n(?:(?:GRANT|REVOKE) .*\n)+\n*",
    re.MULTILINE,
)
# With its digest, each word in a view's comment would be another schema.
STAMP = re.compile(r"Views of release .*?(?=')")


def dump_of(release: str) -> Path:
    return DUMPS / f"{release}.sql.gz"


def recorded(release: str) -> str:
    return gzip.decompress(dump_of(release).read_bytes()).decode()


@contextmanager
def restored(server: Throwaway, release: str) -> Iterator[Warehouse]:
    """Restore a release's dump for the length of a `with`."""
    name = f"warehouse_{uuid4().hex}"
    server.create_database(name)
    try:
        warehouse = Warehouse(server, name)
        _run(warehouse, "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", given=recorded(release))
        yield warehouse
    finally:
        server.drop_database(name)


def schema(warehouse: Warehouse) -> str:
    """Return tables, views, functions, comments and rights, as pg_dump writes them."""
    dumped = _run(warehouse, "pg_dump", "--schema-only", "--no-owner", "--exclude-schema=released")
    for passing in (PASSING, STAMP, RIGHTS_OF_SERVER_FUNCTIONS):
        dumped = passing.sub("", dumped)
    return dumped.strip() + "\n"


def dumped(warehouse: Warehouse, revision: str) -> str:
    """Return what a release's dump contains: the schema, and which revision it is."""
    return f"{schema(warehouse)}\ninsert into public.warehouse_version values ('{revision}');\n"


def _run(warehouse: Warehouse, program: str, *arguments: str, given: str = "") -> str:
    server = warehouse.server
    return subprocess.run(
        [server.cluster.programs.directory / program, *arguments],
        env={
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": "owner",
            "PGPASSWORD": server.passwords["owner"],
            "PGDATABASE": warehouse.database,
        },
        input=given,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def _record() -> str | None:
    release = this_release()
    if subprocess.run(
        ["git", "tag", "--list", f"v{release}"], cwd=ROOT, check=True, capture_output=True
    ).stdout:
        return f"v{release} is tagged, so its schema must not change. Raise the version first."
    if REVISIONS.get(release) != HEAD:
        return f"Add {release} with revision {HEAD} to REVISIONS in schema_version.py first."
    with throwaway() as server:
        migrate(server.url())
        text = dumped(Warehouse(server, "warehouse"), HEAD)
    dump_of(release).write_bytes(gzip.compress(text.encode(), mtime=0))
    return None


if __name__ == "__main__":
    raise SystemExit(_record())
