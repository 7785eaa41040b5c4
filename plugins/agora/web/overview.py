"""Route for the strip above every view: the nightly run, completeness, recent changes and expiring days."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from fastapi import APIRouter, Response
from sqlalchemy import Select, func, select

from agora.warehouse.reports import overview as overview_report
from agora.web.parameters import Text
from agora.web.permissions import BACKFILL_DAG_ID, NIGHTLY_DAG_ID
from agora.web.responses import json_response, reading
from agora.web.schedules import schedules
from agora.web.thread_pool import PooledRoute

MAX_ACTIVE_RUNS = 5
ACTIVE = (DagRunState.RUNNING, DagRunState.QUEUED)
RUN = (DagRun.dag_id, DagRun.run_id, DagRun.state, DagRun.start_date, DagRun.end_date)
COLLECTING = DagRun.dag_id.in_((NIGHTLY_DAG_ID, BACKFILL_DAG_ID))
# Prefix of the DAGs whose runs Health lists.
OURS = "agora_bandwidth_"

router = APIRouter(prefix="/api", route_class=PooledRoute)


@router.get("/overview")
def overview(known: Text = "") -> Response:
    """Return the strip's figures, and a version that changes with the ledger or the runs.

    If `known` is the current version, only the version is returned. Polling this route therefore costs only
    a few small queries while nothing changes.
    """
    with reading() as connection:
        version = _digest(overview_report.version(connection), *_state_of_runs())
        if version == known:
            return json_response({"version": version})
        report = overview_report.overview(connection)
    nightly = next((dag for dag in schedules() if dag["dag_id"] == NIGHTLY_DAG_ID), None)
    return json_response({"version": version, **report, **_runs(), "nightly": nightly})


def _digest(*parts: Any) -> str:
    return sha256(repr(parts).encode()).hexdigest()[:16]


def _state_of_runs() -> list[tuple[Any, ...]]:
    """Return the Airflow state that changes when a bandwidth run starts or ends, or a DAG is paused."""
    runs = (
        select(DagRun.dag_id, DagRun.state, func.count(), func.max(DagRun.end_date))
        .where(DagRun.dag_id.startswith(OURS))
        .group_by(DagRun.dag_id, DagRun.state)
        .order_by(DagRun.dag_id, DagRun.state)
    )
    dags = (
        select(DagModel.dag_id, DagModel.is_paused, DagModel.next_dagrun_create_after)
        .where(DagModel.dag_id.startswith(OURS))
        .order_by(DagModel.dag_id)
    )
    with create_session() as session:
        return [tuple(row) for query in (runs, dags) for row in session.execute(query)]


def _runs() -> dict[str, Any]:
    """Return the last finished nightly run, or None, and the active collection runs, oldest first."""
    last = (
        select(*RUN)
        .where(DagRun.dag_id == NIGHTLY_DAG_ID, DagRun.end_date.is_not(None))
        .order_by(DagRun.end_date.desc())
        .limit(1)
    )
    active = (
        select(*RUN)
        .where(COLLECTING, DagRun.state.in_(ACTIVE))
        .order_by(DagRun.run_after)
        .limit(MAX_ACTIVE_RUNS)
    )
    return {"last_run": next(iter(_read(last)), None), "active_runs": _read(active)}


def _read(query: Select[Any]) -> list[dict[str, Any]]:
    with create_session() as session:
        return [dict(row) for row in session.execute(query).mappings()]
