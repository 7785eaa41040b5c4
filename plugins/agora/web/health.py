"""How collecting goes."""

from __future__ import annotations

from fastapi import APIRouter, Response

from agora.warehouse.reports import health as report
from agora.web.configuration_checks import all_problems
from agora.web.responses import json_of, reading
from agora.web.schedules import schedules
from agora.web.thread_pool import PooledRoute

router = APIRouter(route_class=PooledRoute)


@router.get("/api/health")
def health() -> Response:
    """Return what is missing, runs, requests by day, vendor accounts, next runs, and wrong settings."""
    with reading() as connection:
        found = report.health(connection)
    return json_of({**found, "schedules": schedules(), "problems": all_problems()})
