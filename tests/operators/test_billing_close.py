"""Closing bills with a form's fields: stored closings, refusals and run notes."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, ParamValidationError
from jinja2 import Template

from agora.dag_support.run_notes import NOTE_KEY
from agora.dags import agora_billing_close
from agora.operators import billing_close, plan
from agora.operators.billing_close import BillingCloseOperator
from agora.settings.contracts import parse_contracts
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.migrations.verify import snapshot
from tests.warehouse.database import UPDATE_FIGURES, App, AppDay, Warehouse, days_between

THIS_MONTH = datetime.now(UTC).date().replace(day=1)
LAST_MONTH = (THIS_MONTH - timedelta(days=1)).replace(day=1)
CONTRACTS = [
    {
        "billing_group": "north",
        "method": "peak_kbps",
        "commit_kbps": 1500,
        "price_per_mbps": "2",
        "currency": "USD",
    },
    {"billing_group": "south", "method": "p95_kbps"},
    {"billing_group": "empty", "method": "p95_kbps"},
]
RESTATED = f"update core.app_day set kbps_int4[7] = 2500 where usage_date = %s;{UPDATE_FIGURES}"
CLOSED = "select * from mart.billing_closed order by billing_group"


@pytest.fixture(autouse=True)
def contracts(outside_airflow: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure the contracts."""
    monkeypatch.setattr(billing_close, "configured_contracts", lambda: parse_contracts(json.dumps(CONTRACTS)))


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    """Return a warehouse in which last month is final for north and lacks a day for south."""
    warehouse.add_account()
    warehouse.add_apps([App("a", LAST_MONTH), App("b", LAST_MONTH)])
    warehouse.run("update core.app set billing_group = case app_id when 'a' then 'north' else 'south' end")
    days = days_between(LAST_MONTH, THIS_MONTH - timedelta(days=1))
    warehouse.add_days(AppDay("a", day, [1000.0] * 288) for day in days)
    warehouse.add_days(AppDay("b", day, [10.0] * 288) for day in days[1:])
    return warehouse


class Notes(dict[str, Any]):
    """A task's XComs."""

    def xcom_push(self, key: str, value: Any) -> None:
        self[key] = value


def run(run_id: str, conf: dict[str, Any] | None = None, **fields: str) -> str:
    """Run the operator, and return its note. Exceptions carry the same text."""
    notes = Notes()
    context: Any = {
        "ti": notes,
        "run_id": run_id,
        "dag": SimpleNamespace(dag_id="agora_billing_close", params={}),
        "task": SimpleNamespace(params={}),
        "dag_run": SimpleNamespace(conf=conf or {}, triggering_user_name="ana"),
    }
    BillingCloseOperator(task_id="close", **fields).execute(context)
    return str(notes[NOTE_KEY])


def test_the_last_finished_period_of_a_group_is_closed(filled: Warehouse) -> None:
    assert f"Closed north {LAST_MONTH:%Y-%m}" in run("one", billing_group="north")
    (closed,) = filled.rows(CLOSED, role="analyst")
    assert closed["month"] == LAST_MONTH
    assert (closed["status"], closed["closed_by"], closed["run_id"]) == ("final", "ana", "one")
    assert (closed["billable_kbps"], closed["billed_kbps"]) == (Decimal(1000), Decimal(1500))
    assert (closed["overage_kbps"], closed["amount"], closed["currency"]) == (0, Decimal("3.00"), "USD")
    assert closed["restated_difference_kbps"] == 0
    assert closed["invoice_difference_kbps"] is None


def test_final_bills_are_closed_even_if_others_are_refused(filled: Warehouse) -> None:
    with pytest.raises(
        AirflowFailException, match=r"south .* is not closed, because .*: incomplete, .*force"
    ) as failed:
        run("one")
    assert "#bill-not-final" in str(failed.value)
    assert "No app belongs to the billing group empty." in str(failed.value)
    assert [row["billing_group"] for row in filled.rows(CLOSED)] == ["north"]


def test_a_forced_closing_of_a_bill_that_is_not_final_says_so(filled: Warehouse) -> None:
    assert "Not final: incomplete" in run("one", billing_group="south", force="True")
    (closed,) = filled.rows(CLOSED)
    assert closed["status"] == "incomplete"
    assert closed["expected_app_points"] - closed["app_points"] == 288


def test_a_restatement_is_a_difference_and_does_not_change_the_closed_bill(filled: Warehouse) -> None:
    run("one", billing_group="north")
    filled.run(RESTATED, (LAST_MONTH,), "loader")
    with pytest.raises(AirflowSkipException, match="already closed"):
        run("two", billing_group="north")
    (closed,) = filled.rows(CLOSED)
    assert (closed["billable_kbps"], closed["amount"]) == (1000, Decimal("3.00"))
    assert (closed["current_billable_kbps"], closed["current_amount"]) == (2500, Decimal("5.00"))
    assert (closed["restated_difference_kbps"], closed["restated_difference_amount"]) == (1500, 2)

    run("three", billing_group="north", force="true")
    (closed,) = filled.rows(CLOSED)
    assert (closed["billable_kbps"], closed["restated_difference_kbps"], closed["closings"]) == (2500, 0, 2)
    assert [
        row["billable_kbps"] for row in filled.rows("select * from core.closed_bill order by closing_key")
    ] == [
        1000,
        2500,
    ]


def test_an_invoice_that_arrives_later_is_added_to_the_closed_figures(filled: Warehouse) -> None:
    run("one", billing_group="north")
    (before,) = filled.rows(CLOSED)
    filled.run(RESTATED, (LAST_MONTH,), "loader")
    assert "differs by +40.125 kbps" in run("two", billing_group="north", invoice_kbps="1040.125")
    (after,) = filled.rows(CLOSED)
    assert (after["invoice_kbps"], after["invoice_difference_kbps"]) == (
        Decimal("1040.125"),
        Decimal("40.125"),
    )
    assert (after["billable_kbps"], after["closed_at"]) == (before["billable_kbps"], before["closed_at"])
    run("three", billing_group="north", force="true")
    (again,) = filled.rows(CLOSED)
    assert (again["invoice_kbps"], again["billable_kbps"]) == (Decimal("1040.125"), 2500)


def test_a_repeated_task_stores_nothing_twice(filled: Warehouse) -> None:
    run("one", billing_group="north", force="true")
    filled.run(RESTATED, (LAST_MONTH,), "loader")
    text = run("one", billing_group="north", force="true")
    assert "already closed by this run" in text
    assert "2,500" not in text, "a figure that was not stored must not be reported"
    assert len(filled.rows("select from core.closed_bill")) == 1


def test_a_closed_bill_outlives_its_contract_and_its_days(
    filled: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("one", billing_group="north")
    monkeypatch.setattr(billing_close, "configured_contracts", list)
    with pytest.raises(AirflowFailException, match="No billing group has a contract"):
        run("two")
    filled.run("delete from core.app_day; update core.app set wanted = '{}'")
    (closed,) = filled.rows(CLOSED)
    assert (closed["billable_kbps"], closed["amount"]) == (1000, Decimal("3.00"))
    assert (closed["current_billable_kbps"], closed["restated_difference_kbps"]) == (None, None)


NEXT_YEAR = f"{THIS_MONTH.year + 1}-01"


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"billing_group": "nroth"}, "The billing group nroth has no contract. .*: empty, north, south"),
        ({"billing_group": "empty"}, "No app belongs to the billing group empty"),
        ({"billing_group": "north", "month": NEXT_YEAR}, "no finished day yet"),
        ({"month": NEXT_YEAR}, f"north has no data for {NEXT_YEAR}.*south has no data"),
        ({"billing_group": "north", "month": "2014-01"}, "the group has no expected app-day"),
        ({"month": "October"}, "month must be written like 2026-10"),
        ({"month": "2026-13"}, "month must be written like 2026-10"),
        ({"month": "2026-10-02"}, "month must be written like 2026-10"),
        ({"invoice_kbps": "5"}, "Choose one in billing_group"),
        ({"billing_group": "north", "invoice_kbps": "-5"}, "invoice_kbps must be a rate in kbps"),
        ({"billing_group": "north", "invoice_kbps": "NaN"}, "invoice_kbps must be a rate in kbps"),
        ({"billing_group": "north", "invoice_kbps": "5 Mbps"}, "invoice_kbps must be a rate in kbps"),
    ],
)
def test_a_wrong_field_is_refused_with_its_remedy(
    filled: Warehouse, fields: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(AirflowFailException, match=sentence):
        run("one", **fields)
    assert filled.rows(CLOSED) == []


def test_a_running_period_is_refused_until_it_is_over(filled: Warehouse) -> None:
    filled.run(
        "create or replace function mart.clock() returns timestamptz language sql stable parallel safe"
        f" return '{LAST_MONTH + timedelta(days=9)} 12:00Z'::timestamptz"
    )
    for field in (f"{LAST_MONTH:%Y-%m}", str(LAST_MONTH)):
        with pytest.raises(AirflowFailException, match=r"running, 2,592 of 2,592 points\. Close it after"):
            run("one", billing_group="north", month=field)
    run("two", billing_group="north", month=f"{LAST_MONTH:%Y-%m}", force="true")
    assert filled.rows(CLOSED)[0]["status"] == "running"


def test_a_misspelt_parameter_is_refused(filled: Warehouse) -> None:
    with pytest.raises(AirflowFailException, match="does not accept the parameter group"):
        run("one", {"group": "north"})


def test_the_nightly_plan_copies_the_contracts_and_reports_problems(
    filled: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = "select billing_group, method, commit_kbps, tiers, billing_day from core.billing_contract"
    engine = warehouse_engine(filled.url("loader"))
    for value, groups, problem in (
        (json.dumps(CONTRACTS), {"north", "south", "empty"}, "no apps belong to these billing groups: empty"),
        ('[{"billing_group": "north"}]', {"north", "south", "empty"}, "0.method (billing group north)"),
        (json.dumps(CONTRACTS[:1]), {"north"}, ""),
        ("[]", set(), ""),
    ):
        monkeypatch.setattr(plan, "configured_contracts", partial(parse_contracts, value))
        found = plan._sync_contracts(engine)
        assert problem in found if problem else found == ""
        assert {row["billing_group"] for row in filled.rows(stored)} == groups
    engine.dispose()


def test_an_upgrade_compares_the_closings(filled: Warehouse) -> None:
    run("one", billing_group="north")
    engine = warehouse_engine(filled.url("owner"))
    with engine.begin() as connection:
        before = snapshot(connection).facts["closings"]
        connection.exec_driver_sql("update core.closed_bill set amount = amount + 1")
        after = snapshot(connection).facts["closings"]
    engine.dispose()
    assert before["entries"] == after["entries"] == 1
    assert before["digest"] != after["digest"]


def test_a_month_may_be_given_as_its_first_day() -> None:
    assert billing_close._month("2026-10") == billing_close._month("2026-10-01") == date(2026, 10, 1)


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ({}, {"month": "", "billing_group": "", "invoice_kbps": "", "force": "False"}),
        (
            {"month": "2026-10", "billing_group": "north", "invoice_kbps": 0, "force": True},
            {"month": "2026-10", "billing_group": "north", "invoice_kbps": "0", "force": "True"},
        ),
        (
            {"invoice_kbps": 812345.125},
            {"month": "", "billing_group": "", "invoice_kbps": "812345.125", "force": "False"},
        ),
    ],
)
def test_the_form_fills_the_operators_fields(form: dict[str, Any], fields: dict[str, str]) -> None:
    params = deepcopy(agora_billing_close.params)  # a Param keeps its last value
    for name, value in form.items():
        params[name] = value
    task: Any = agora_billing_close.get_task("close")
    rendered = {
        name: Template(getattr(task, name)).render(params=params.dump()) for name in task.template_fields
    }
    assert rendered == fields


@pytest.mark.parametrize(
    "form", [{"month": "2026-13"}, {"month": "October"}, {"invoice_kbps": -1}, {"force": "yes"}]
)
def test_the_form_refuses_what_cannot_be_meant(form: dict[str, Any]) -> None:
    ((name, value),) = form.items()
    with pytest.raises(ParamValidationError):
        deepcopy(agora_billing_close.params)[name] = value
