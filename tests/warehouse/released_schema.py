"""The schema of a release as text, for people who compare two: `sql/releases`.

Write that of this release, as long as it has no tag, with: python -m tests.warehouse.released_schema
A schema that no release has yet is recorded with the next release: raise the version first.
"""

from __future__ import annotations

import re
import subprocess

from agora.warehouse.migrate import migrate
from agora.warehouse.release import FIRST_LINE, SQL, revision_of, this_release
from deploy.local.postgres_throwaway import throwaway
from deploy.local.settings import ROOT
from tests.warehouse.database import Warehouse

RELEASES = SQL / "releases"
HEAD = max(path.stem.partition("_")[0] for path in (SQL / "migrations" / "versions").glob("*.py"))
# A key made up for each dump, and the server's and pg_dump's versions.
# What sql/setup/database.sql did to the server's own functions, which is no part of a release's schema.
SETUP = re.compile(
    r"^--\n-- Name: FUNCTION .*; Type: ACL; Schema: pg_catalog; .*\n--\n\n(?:(?:GRANT|REVOKE) .*\n)+\n*",
    re.MULTILINE,
)
PASSING = re.compile(r"^(\\(un)?restrict .*|-- Dumped (from|by) .*)\n", re.MULTILINE)


def schema(warehouse: Warehouse) -> str:
    """Return tables, views, functions, comments and rights, as pg_dump writes them."""
    server = warehouse.server
    done = subprocess.run(
        [
            server.cluster.programs.directory / "pg_dump",
            "--schema-only",
            "--no-owner",
            "--exclude-schema=released",
        ],
        env={
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": "owner",
            "PGPASSWORD": server.passwords["owner"],
            "PGDATABASE": warehouse.database,
        },
        capture_output=True,
        text=True,
        check=True,
    )
    # With the stamp, every word in a comment of a view would be another schema.
    text = re.sub(r"Views of release .*?(?=')", "", PASSING.sub("", done.stdout)).strip() + "\n"
    return SETUP.sub("", text)


def record(release: str, revision: str, warehouse: Warehouse) -> str:
    """Return what stands in the file of a release."""
    return f"{FIRST_LINE.format(release=release, revision=revision)}\n\n{schema(warehouse)}"


def of_migrated(warehouse: Warehouse) -> str:
    """Return what should stand in the file of this release."""
    (row,) = warehouse.rows("select version_num from public.warehouse_version")
    return record(this_release(), row["version_num"], warehouse)


def _main() -> str | None:
    tag = f"v{this_release()}"
    if subprocess.run(["git", "tag", "--list", tag], cwd=ROOT, check=True, capture_output=True).stdout:
        return f"{tag} is released, and its schema stays. Raise the version first: docs/operations/release.md"
    if (RELEASES / f"{this_release()}.sql").exists() and revision_of(this_release()) != HEAD:
        return (
            f"The schema of {this_release()} is of revision {revision_of(this_release())}, and stays. Raise"
            " the version first: docs/operations/release.md"
        )
    with throwaway() as server:
        migrate(server.url())
        (RELEASES / f"{this_release()}.sql").write_text(of_migrated(Warehouse(server, "warehouse")), "utf-8")
    return None


if __name__ == "__main__":
    raise SystemExit(_main())
