"""The contract queries in sql/examples, run on a warehouse created for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from agora.settings.contracts import parse_contracts
from agora.warehouse import contracts
from agora.warehouse.billing_close import Request, close
from agora.warehouse.engine import warehouse_engine
from tests.warehouse.database import UPDATE_FIGURES, App, AppDay, Warehouse, days_between
from tests.warehouse.test_examples import run_example

TODAY = datetime.now(UTC).date()
LAST_MONTH = (TODAY.replace(day=1) - timedelta(days=1)).replace(day=1)
CONTRACTS = [
    {
        "billing_group": "a",
        "method": "peak_kbps",
        "commit_kbps": 5000,
        "price_per_mbps": 2,
        "currency": "USD",
    },
    {"billing_group": "b", "method": "p95_kbps"},
]


def test_statement_and_closed_bills(warehouse: Warehouse) -> None:
    warehouse.add_account()
    warehouse.add_apps([App("a", LAST_MONTH), App("b", LAST_MONTH)])
    warehouse.run("update core.app set billing_group = app_id")
    days = days_between(LAST_MONTH, TODAY - timedelta(days=1))
    warehouse.add_days(AppDay(app_id, day, [3000.0] * 288) for app_id in "ab" for day in days)
    engine = warehouse_engine(warehouse.url("loader"))
    with engine.begin() as connection:
        contracts.sync(connection, parse_contracts(json.dumps(CONTRACTS)))
        close(connection, Request("one", month=LAST_MONTH))
        close(connection, Request("two", None, LAST_MONTH, "b", Decimal(3100)))
    engine.dispose()
    warehouse.run(
        "update core.app_day set kbps_int4[1] = 7000 from core.app"
        " where app_day.app_key = app.app_key and app_id = 'a' and usage_date = %s",
        (LAST_MONTH,),
    )
    warehouse.run(UPDATE_FIGURES)

    rows = run_example(warehouse, "12_statement")
    last = {row["billing_group"]: row for row in rows if row["period_start"] == LAST_MONTH}
    assert (last["a"]["billable_mbps"], last["a"]["overage_mbps"], last["a"]["amount"]) == (7, 2, 14)
    assert (last["b"]["billable_mbps"], last["b"]["overage_mbps"], last["b"]["amount"]) == (3, None, None)
    assert {row["status"] for row in last.values()} == {"final"}
    assert {row["app_points"] - row["expected_app_points"] for row in rows} == {0}

    restated, invoiced = run_example(warehouse, "14_closed_bills")
    assert (restated["closed_mbps"], restated["current_mbps"], restated["restated_difference_mbps"]) == (
        3,
        7,
        4,
    )
    assert (restated["closed_amount"], restated["current_amount"]) == (10, 14)
    assert (invoiced["billing_group"], invoiced["invoice_difference_mbps"]) == ("b", Decimal("0.1"))
