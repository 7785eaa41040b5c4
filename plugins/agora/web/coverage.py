"""What is collected, and what is about to expire."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from agora.warehouse.reports import coverage as report
from agora.web.answer import json_of, reading
from agora.web.parameters import Day, Text

router = APIRouter()
MOST_APPS = 200


@router.get("/api/coverage")
def coverage(
    from_date: Day | None = None,
    to_date: Day | None = None,
    search: Text = "",
    sort: report.Sort = report.Sort.EXPIRY,
    page: Annotated[int, Query(ge=1)] = 1,
    apps_per_page: Annotated[int, Query(ge=1, le=MOST_APPS)] = 50,
) -> Response:
    """Answer with one page of apps and their days, both dates included; without dates the vendor's window."""
    choice = report.Choice(from_date, to_date, search, sort, apps_per_page, apps_per_page * (page - 1))
    with reading() as connection:
        return json_of(report.coverage(connection, choice))
