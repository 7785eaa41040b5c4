"""Warehouses of released schemas with what those releases collected, as dumps in `released/`.

That of 0.1.0 was made by that release's own code: September 2026 of four apps from the sandbox, with days
whole, partial, rejected, failed and lost, a day restated and an app that left the configuration. Its schema
`released` holds what its views said of them.
"""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from deploy.local.postgres_throwaway import Throwaway
from tests.warehouse.database import Warehouse
from tests.warehouse.released_schema import RELEASES, SETUP

DUMPS = Path(__file__).parent / "released"


@contextmanager
def restored(server: Throwaway, release: str) -> Iterator[Warehouse]:
    """Restore a release's warehouse for the length of a `with`."""
    with _made_of(server, gzip.decompress((DUMPS / f"{release}.sql.gz").read_bytes())) as warehouse:
        yield warehouse


@contextmanager
def empty(server: Throwaway, release: str, revision: str) -> Iterator[Warehouse]:
    """Make a release's tables, views and rights, as its schema is recorded, for the length of a `with`."""
    recorded = SETUP.sub("", (RELEASES / f"{release}.sql").read_text("utf-8"))
    version = f"insert into public.warehouse_version values ('{revision}');"
    with _made_of(server, f"{recorded}\n{version}".encode()) as warehouse:
        yield warehouse


@contextmanager
def _made_of(server: Throwaway, statements: bytes) -> Iterator[Warehouse]:
    name = f"warehouse_{uuid4().hex}"
    server.create_database(name)
    subprocess.run(
        [server.cluster.programs.directory / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"],
        env={
            "PGHOST": server.host,
            "PGPORT": str(server.port),
            "PGUSER": "owner",
            "PGPASSWORD": server.passwords["owner"],
            "PGDATABASE": name,
        },
        input=statements,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    try:
        yield Warehouse(server, name)
    finally:
        server.drop_database(name)
