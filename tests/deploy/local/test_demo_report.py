"""The bill that the demo prints: each app and group has its status and, in a partial month, its days."""

from __future__ import annotations

from datetime import date

import pytest

from deploy.local.demo_report import format_bill
from tests.warehouse.database import App, AppDay, Warehouse, days_between

OCTOBER = days_between(date(2025, 10, 1), date(2025, 10, 31))


@pytest.mark.parametrize(
    ("first", "missing", "status"),
    [
        (0, [], "final"),
        (27, [], "part of the month: 4 of 31 days"),
        (27, [29], "incomplete: 4 of 31 days"),
        (0, [29], "incomplete"),
    ],
)
def test_the_printed_bill_shows_its_status(
    warehouse: Warehouse, first: int, missing: list[int], status: str
) -> None:
    warehouse.add_account()
    warehouse.add_apps([App("app", OCTOBER[first], OCTOBER[-1])])
    warehouse.add_days(
        AppDay("app", day, [8_000.0] * 288)
        for number, day in enumerate(OCTOBER)
        if number >= first and number not in missing
    )
    with warehouse.connect("analyst") as connection:
        lines = format_bill(connection).splitlines()
    assert lines[0] == "October 2025, Mbps"
    rows = [line for line in lines if line.startswith(("Name of app ", "Group ", "All apps"))]
    assert len(rows) == 3
    assert all(row.endswith(f"  {status}") for row in rows)
