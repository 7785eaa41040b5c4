"""The table of points that a competitor fills. Its key lets a second run change nothing."""

from __future__ import annotations

import psycopg2

from tests.bench.job import Job

NAME = "point"
KEY = ["app_id", "interval_start"]


def create(job: Job, app_id_type: str = "text") -> None:
    """Create the table in the contestant's schema, unless it exists."""
    connection = psycopg2.connect(job.database_url)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"create table if not exists {job.schema}.{NAME} ("
            f" app_id {app_id_type} not null, interval_start timestamptz not null, kbps double precision,"
            " primary key (app_id, interval_start))"
        )
    connection.close()
