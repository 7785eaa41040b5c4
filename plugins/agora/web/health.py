"""How collecting goes."""

from __future__ import annotations

from fastapi import APIRouter, Response

from agora.warehouse.reports import health as report
from agora.web.answer import json_of, reading
from agora.web.misconfiguration import all_problems
from agora.web.pool import PooledRoute
from agora.web.schedules import schedules

router = APIRouter(route_class=PooledRoute)


@router.get("/api/health")
def health() -> Response:
    """Return what is missing, runs, requests by day, vendor accounts, next runs, and wrong settings."""
    with reading() as connection:
        found = report.health(connection)
    return json_of({**found, "schedules": schedules(), "problems": all_problems()})
