"""What a month comes to by every method of billing: on the page, and as a file."""

from __future__ import annotations

from fastapi import APIRouter, Response

from agora.warehouse.reports import bill as report
from agora.web.bill_csv import csv_of
from agora.web.parameters import Month
from agora.web.responses import json_of, reading
from agora.web.thread_pool import PooledRoute

router = APIRouter(route_class=PooledRoute)


@router.get("/api/months")
def months() -> Response:
    """Answer with the first days of the months that have a bill, oldest first."""
    with reading() as connection:
        return json_of({"months": report.months(connection)})


@router.get("/api/bill")
def bill(month: Month | None = None) -> Response:
    """Answer with a month's bill of each app and in total; without a month the present one, or the last."""
    with reading() as connection:
        return json_of(report.bill(connection, month or report.latest_month(connection)))


@router.get("/api/bill/volume")
def volume(month: Month) -> Response:
    """Answer with what each app carried, apart from its bill because it takes every point."""
    with reading() as connection:
        return json_of(report.volume(connection, month))


@router.get("/api/bill.csv")
def bill_csv(month: Month) -> Response:
    """Answer with both as one file, in full precision."""
    with reading() as connection:
        text = csv_of(report.bill(connection, month), report.volume(connection, month))
    name = f"agora_bill_{month:%Y-%m}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)
