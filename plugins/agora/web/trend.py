"""Routes for the Trend view and its CSV file."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response

from agora.settings.apps import canonical_app_id
from agora.warehouse.reports import Row
from agora.warehouse.reports import trend as report
from agora.warehouse.reports.trend import Step
from agora.web.bill_csv import csv_text, file_name
from agora.web.parameters import Text
from agora.web.responses import csv_response, json_response, reading
from agora.web.thread_pool import PooledRoute

router = APIRouter(prefix="/api", route_class=PooledRoute)
COLUMNS = ("status", *report.FIGURES, "app_points", "expected_app_points")


@router.get("/trend")
def trend(step: Step = Step.MONTH, app_id: Text = "", billing_group: Text = "") -> Response:
    """Return the monthly or daily trend of an app, a billing group or all apps over the entire history."""
    return json_response(_trend(step, app_id, billing_group))


@router.get("/trend.csv")
def trend_csv(step: Step = Step.MONTH, app_id: Text = "", billing_group: Text = "") -> Response:
    """Return the rows of a trend as a CSV file, with the same digits as in SQL."""
    found = _trend(step, app_id, billing_group)
    name = file_name(f"agora_trend_{step}", found["app_name"] or billing_group)
    return csv_response(trend_as_csv(found), name)


def trend_as_csv(trend: Row) -> str:
    """Return a trend as CSV text, one line per month or day. The names are empty for the sum of all apps."""
    names = {name: trend[name] for name in ("app_id", "app_name", "billing_group")}
    commit = {"commit_kbps": trend["commit_kbps"]}
    lines = [
        {trend["step"]: row["date"], **names, **{name: row[name] for name in COLUMNS}, **commit}
        for row in trend["rows"]
    ]
    return csv_text(lines, [trend["step"]])


def _trend(step: Step, app_id: str, billing_group: str) -> Row:
    with reading() as connection:
        found = report.trend(connection, step, canonical_app_id(app_id), billing_group)
    if found is None:
        name, value = ("app_id", app_id) if app_id else ("billing_group", billing_group)
        noun = "App ID" if app_id else "billing group"
        raise HTTPException(422, [{"loc": ["query", name], "msg": f"No app has the {noun} “{value}”."}])
    return found
