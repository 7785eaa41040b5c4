"""What is collected, and what is about to expire."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from agora.warehouse.reports import coverage as report
from agora.web.parameters import Day, Text, require_range
from agora.web.responses import json_of, reading
from agora.web.thread_pool import PooledRoute

router = APIRouter(route_class=PooledRoute)
MOST_APPS = 200
MOST_PAGES = 100_000
MOST_DAYS = 400


@router.get("/api/coverage")
def coverage(
    from_date: Day | None = None,
    to_date: Day | None = None,
    search: Text = "",
    sort: report.Sort = report.Sort.EXPIRY,
    page: Annotated[int, Query(ge=1, le=MOST_PAGES)] = 1,
    apps_per_page: Annotated[int, Query(ge=1, le=MOST_APPS)] = 50,
) -> Response:
    """Answer with one page of apps and their days, both dates included; without dates the vendor's window."""
    with reading() as connection:
        oldest, newest = report.window(connection) or (None, None)
        first, last = from_date or oldest, to_date or newest
        if first is None or last is None:
            return json_of(report.NOTHING)
        require_range(first, last, MOST_DAYS)
        offset = apps_per_page * (page - 1)
        choice = report.Choice(first, last, search, sort, apps_per_page, offset)
        return json_of(report.coverage(connection, choice))
