"""Traffic of apps or of their sum, point by point; and the apps to choose from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from agora.settings import canonical_app_id
from agora.warehouse.reports import traffic as report
from agora.web.parameters import Day, Text, require_range
from agora.web.responses import json_of, reading
from agora.web.thread_pool import PooledRoute

router = APIRouter(route_class=PooledRoute)
MOST_APPS = 6
MOST_APPS_FOUND = 50
MOST_DAYS = 62


@router.get("/api/traffic")
def traffic(
    app_ids: Annotated[list[Text] | None, Query(max_length=MOST_APPS)] = None,
    is_sum: Annotated[bool, Query(alias="sum")] = False,
    from_date: Day | None = None,
    to_date: Day | None = None,
) -> Response:
    """Return the points of each app or of their sum; without apps, of the largest app or of all apps."""
    chosen = list(dict.fromkeys(canonical_app_id(app_id) for app_id in app_ids or []))
    with reading() as connection:
        first, last = report.dates(connection, from_date, to_date)
        require_range(first, last, MOST_DAYS)
        return json_of(report.traffic(connection, chosen, is_sum, first, last))


@router.get("/api/apps")
def apps(search: Text = "") -> Response:
    """Answer with the first apps, by name, whose name or App ID contains a text, and how many there are."""
    with reading() as connection:
        return json_of(report.apps(connection, search, MOST_APPS_FOUND))
