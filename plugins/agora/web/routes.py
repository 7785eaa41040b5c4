"""The JSON routes that read the warehouse: coverage, traffic, bills, health and reviews."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from agora.settings.apps import canonical_app_id
from agora.warehouse import suspicious_responses
from agora.warehouse.reports import bill as bill_report
from agora.warehouse.reports import coverage as coverage_report
from agora.warehouse.reports import health as health_report
from agora.warehouse.reports import traffic as traffic_report
from agora.warehouse.reports.bill import Choice
from agora.web.bill_csv import bill_as_csv, file_name
from agora.web.configuration_checks import find_all_problems
from agora.web.parameters import Day, Month, Text, require_range
from agora.web.permissions import User, require_review
from agora.web.responses import csv_response, json_response, reading, writing
from agora.web.schedules import schedules
from agora.web.thread_pool import PooledRoute

MAX_APPS_PER_PAGE = 200
MAX_PAGE = 100_000
MAX_COVERAGE_DAYS = 400
MAX_TRAFFIC_APPS = 6
MAX_TRAFFIC_DAYS = 62
MAX_APPS_FOUND = 50

router = APIRouter(prefix="/api", route_class=PooledRoute)


@router.get("/coverage")
def coverage(
    from_date: Day | None = None,
    to_date: Day | None = None,
    search: Text = "",
    sort: coverage_report.Sort = coverage_report.Sort.EXPIRY,
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    apps_per_page: Annotated[int, Query(ge=1, le=MAX_APPS_PER_PAGE)] = 50,
) -> Response:
    """Return one page of apps with their days. Both dates are inclusive; the default is the vendor window."""
    with reading() as connection:
        oldest, newest = coverage_report.window(connection) or (None, None)
        first, last = from_date or oldest, to_date or newest
        if first is None or last is None:
            return json_response(coverage_report.NOTHING)
        require_range(first, last, MAX_COVERAGE_DAYS)
        offset = apps_per_page * (page - 1)
        choice = coverage_report.Choice(first, last, search, sort, apps_per_page, offset)
        return json_response(coverage_report.coverage(connection, choice))


@router.get("/traffic")
def traffic(
    app_ids: Annotated[list[Text] | None, Query(max_length=MAX_TRAFFIC_APPS)] = None,
    is_sum: Annotated[bool, Query(alias="sum")] = False,
    from_date: Day | None = None,
    to_date: Day | None = None,
) -> Response:
    """Return the points of each app, or of their sum. Default: the largest app, or the sum of all apps."""
    chosen = list(dict.fromkeys(canonical_app_id(app_id) for app_id in app_ids or []))
    with reading() as connection:
        first, last = traffic_report.dates(connection, from_date, to_date)
        require_range(first, last, MAX_TRAFFIC_DAYS)
        return json_response(traffic_report.traffic(connection, chosen, is_sum, first, last))


@router.get("/apps")
def apps(search: Text = "") -> Response:
    """Return the first apps, by name, whose name or App ID contains a string, and the number of matches."""
    with reading() as connection:
        return json_response(traffic_report.apps(connection, search, MAX_APPS_FOUND))


@router.get("/months")
def months() -> Response:
    """Return the billing groups, and the first day of each month that has a bill, oldest first."""
    with reading() as connection:
        groups = bill_report.billing_groups(connection)
        return json_response({"months": bill_report.months(connection), "billing_groups": groups})


@router.get("/bill")
def bill(month: Month | None = None, billing_group: Text = "", search: Text = "") -> Response:
    """Return a month's bill, per app and in total. Default: the current month or the last billed month."""
    with reading() as connection:
        chosen = month or bill_report.latest_month(connection)
        return json_response(bill_report.bill(connection, chosen, Choice(billing_group, search)))


@router.get("/bill/volume")
def volume(month: Month, billing_group: Text = "", search: Text = "") -> Response:
    """Return the volume for a month, per app. This route is separate, because summing every point is slow."""
    with reading() as connection:
        of_month = bill_report.bill(connection, month, Choice(billing_group, search))
        return json_response(bill_report.volume(connection, of_month))


@router.get("/bill/statements")
def statements(month: Month, billing_group: Text = "") -> Response:
    """Return the statements of the groups with a contract, for the billing periods that begin in a month."""
    with reading() as connection:
        return json_response({"statements": bill_report.statements(connection, month, billing_group)})


@router.get("/bill.csv")
def bill_csv(month: Month, billing_group: Text = "", search: Text = "") -> Response:
    """Return the bill and the volume for a month as a CSV file, with the same digits as in SQL."""
    with reading() as connection:
        of_month = bill_report.bill(connection, month, Choice(billing_group, search))
        text = bill_as_csv(of_month, bill_report.volume(connection, of_month))
    return csv_response(text, file_name("agora_bill", f"{month:%Y-%m}", billing_group, search))


@router.get("/health")
def health() -> Response:
    """Return open app-days, runs, requests by day, vendor accounts, schedules and configuration problems."""
    with reading() as connection:
        report = health_report.health(connection)
    return json_response({**report, "schedules": schedules(), "problems": find_all_problems()})


class Review(BaseModel):
    """The body of a review request.

    Attributes:
        until: Time of the newest restatement that the user reviewed: `newest_drop_at` from `/api/health`.
    """

    model_config = ConfigDict(extra="forbid")
    until: AwareDatetime


async def _review(request: Request) -> Review:
    """Read the body after the user's rights are checked, so that a user without rights gets 401 or 403.

    Only JSON is accepted. A page from another origin can make a browser send a form, but not JSON: the
    browser first requests permission from this server (CORS), and the server refuses. Browsers also omit
    Airflow's login cookie from requests by other sites (SameSite=Lax).

    Raises:
        HTTPException: 415 for a type other than JSON, 422 for an invalid body.
    """
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "Send JSON with the header Content-Type: application/json.")
    try:
        return Review.model_validate_json(await request.body())
    except ValidationError as error:
        raise HTTPException(
            422, error.errors(include_url=False, include_context=False, include_input=False)
        ) from None


@router.post("/restatements/review", dependencies=[Depends(require_review)], status_code=204)
def review_restatements(user: User, review: Annotated[Review, Depends(_review)]) -> Response:
    """Mark all restatements up to a given time as reviewed by the user. Only this route writes."""
    with writing() as connection:
        suspicious_responses.review(connection, review.until, user.get_name())
    return Response(status_code=204)
