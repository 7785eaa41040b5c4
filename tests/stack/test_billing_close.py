"""Closing a bill through Airflow, as an analyst does."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

from tests.stack.stack import LiveStack

CLOSE = "agora_billing_close"
CONTRACTS = [
    {"billing_group": "agora_dashboard", "method": "p95_kbps", "price_per_mbps": 2, "currency": "USD"}
]


def test_a_bill_that_is_not_final_is_refused_and_then_closed_by_force(live: LiveStack) -> None:
    day = live.today - timedelta(days=2)
    live.set_apps(live.app_ids[:2])
    live.call("POST", "/api/v2/variables", {"key": "agora_contracts", "value": json.dumps(CONTRACTS)})
    fields = {"month": f"{day:%Y-%m}", "billing_group": "agora_dashboard", "invoice_kbps": 1000.5}
    try:
        live.trigger("agora_bandwidth_backfill", {"from_date": str(day), "to_date": str(day)})
        refused = live.trigger(CLOSE, fields)
        closed = live.trigger(CLOSE, {**fields, "force": True})
        repeated = live.trigger(CLOSE, fields)
    finally:
        live.call("DELETE", "/api/v2/variables/agora_contracts")

    assert (refused.state, refused.by_task()) == ("failed", {"close": "failed"})
    assert "is not final" in refused.note
    assert closed.state == "success", closed.note
    assert "Not final" in closed.note
    assert repeated.by_task() == {"close": "skipped"}
    (row,) = live.sql(
        "select run_id, closed_by, invoice_kbps, invoice_difference_kbps, billable_kbps"
        " from mart.billing_closed",
        "analyst",
    )
    run_id, user, invoice, difference, kbps = row
    assert (run_id, invoice, difference) == (closed.run_id, Decimal("1000.5"), Decimal("1000.5") - kbps)
    assert user
