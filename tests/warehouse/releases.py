"""Warehouses of earlier releases, restored from the dumps in `released/`.

The dump of 0.1.0 contains data that the release collected from the sandbox. The data covers September 2026
for four apps, with complete, partial, rejected, failed and lost days, a restated day, and an app that left
the configuration. The dump's schema `released` stores the output of the release's views. The dumps of later
releases contain only the schema.

To record the schema of this release before it is tagged: python -m tests.warehouse.releases
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
# A key that differs in each dump, and the versions of the server and of pg_dump.
VOLATILE_LINES = re.compile(r"^(\\(un)?restrict .*|-- Dumped (from|by) .*)\n", re.MULTILINE)
# These are changed by sql/setup/database.sql, not by a release.
RIGHTS_OF_SERVER_FUNCTIONS = re.compile(
    r"^--\n-- Name: FUNCTION .*; Type: ACL; Schema: pg_catalog; .*\n--\n\n(?:(?:GRANT|REVOKE) .*\n)+\n*",
    re.MULTILINE,
)
# The stamp contains a digest of the views, so each reworded comment would count as a schema change.
STAMP = re.compile(r"Views of release .*?(?=')")


def dump_of(release: str) -> Path:
    return DUMPS / f"{release}.sql.gz"


def recorded(release: str) -> str:
    return gzip.decompress(dump_of(release).read_bytes()).decode()


@contextmanager
def restored(server: Throwaway, release: str) -> Iterator[Warehouse]:
    """Restore a release's dump for the duration of a `with`."""
    name = f"warehouse_{uuid4().hex}"
    server.create_database(name)
    try:
        warehouse = Warehouse(server, name)
        _run(warehouse, "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", stdin=recorded(release))
        yield warehouse
    finally:
        server.drop_database(name)


def schema(warehouse: Warehouse) -> str:
    """Return tables, views, functions, comments and privileges in pg_dump's format."""
    dumped = _run(warehouse, "pg_dump", "--schema-only", "--no-owner", "--exclude-schema=released")
    for pattern in (VOLATILE_LINES, STAMP, RIGHTS_OF_SERVER_FUNCTIONS):
        dumped = pattern.sub("", dumped)
    return dumped.strip() + "\n"


def dumped(warehouse: Warehouse, revision: str) -> str:
    """Return the contents of a release's dump: the schema and its revision."""
    return f"{schema(warehouse)}\ninsert into public.warehouse_version values ('{revision}');\n"


def _run(warehouse: Warehouse, program: str, *arguments: str, stdin: str = "") -> str:
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
        input=stdin,
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
