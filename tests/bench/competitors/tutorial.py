"""As in a good tutorial: requests, one DataFrame per response, DELETE and `to_sql` in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import requests
from sqlalchemy import Connection, create_engine, make_url, text

from tests.bench.competitors import points_table
from tests.bench.job import Job, serve

DELETE = """
delete from {schema}.point where app_id = :app_id and interval_start between :first and :last
"""


def prepare(job: Job) -> Callable[[], None]:
    """Return the work: load one response after the other."""
    points_table.create(job)
    return lambda: _load_all(job)


def _load_all(job: Job) -> None:
    engine = create_engine(make_url(job.database_url).set(drivername="postgresql+psycopg2"))
    with requests.Session() as session:
        session.auth = job.login
        for app_id, day in job.requested:
            response = session.get(job.url(app_id, day), timeout=30)
            response.raise_for_status()
            with engine.begin() as connection:
                _load(_frame(app_id, response.json()), connection, job.schema)
    engine.dispose()


def _frame(app_id: str, response: dict[str, Any]) -> pd.DataFrame:
    points = pd.Series(response["value"], dtype="float64", name="kbps").rename_axis("clock").reset_index()
    starts = pd.to_datetime(response["date"] + " " + points["clock"], format="%Y-%m-%d %H:%M", utc=True)
    return points.assign(app_id=app_id, interval_start=starts)[["app_id", "interval_start", "kbps"]]


def _load(points: pd.DataFrame, connection: Connection, schema: str) -> None:
    starts = points["interval_start"]
    day = {"app_id": points["app_id"].iloc[0], "first": starts.min(), "last": starts.max()}
    connection.execute(text(DELETE.format(schema=schema)), day)
    # SQLAlchemy's own batches are faster here than method="multi" or a temporary table.
    points.to_sql(points_table.NAME, connection, schema=schema, if_exists="append", index=False)


if __name__ == "__main__":
    serve(prepare)
