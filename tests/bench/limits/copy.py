"""Copies a prepared binary file from memory into the empty table of the same name: no HTTP, no checks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import psycopg2

from tests.bench.job import Job, serve


def prepare(job: Job) -> Callable[[], None]:
    """Read the file, and return the function that copies it."""
    table = sys.argv[1]
    content = (Path(job.scratch) / table).read_bytes()

    def work() -> None:
        connection = psycopg2.connect(job.database_url)
        with connection, connection.cursor() as cursor:
            cursor.copy_expert(f"copy {table} from stdin (format binary)", BytesIO(content))
        connection.close()

    return work


if __name__ == "__main__":
    serve(prepare)
