"""Statements and closed bills of random histories, compared with an independent model."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from psycopg2 import extensions
from psycopg2.extras import RealDictCursor
from sqlalchemy import Engine

from agora.domain import BILLING_METHODS
from agora.errors import SettingsError
from agora.settings.contracts import parse_contracts
from agora.warehouse import contracts
from agora.warehouse.billing_close import Request, close
from agora.warehouse.engine import warehouse_engine
from tests.warehouse import traffic
from tests.warehouse.billing_model import Model, Row
from tests.warehouse.database import UPDATE_FIGURES, App, AppDay, Warehouse
from tests.warehouse.test_billing_periods import FIRST, GROUPS, LAST, ZONES, generated_apps

MONTHS = [date(2023, 12, 1), *(date(2024, number, 1) for number in range(1, 7))]


class History:
    """A warehouse and its model, to which the same random events are applied.

    Args:
        warehouse: A warehouse without apps.
        engine: The loader's engine for the warehouse.
        analyst: The analyst's connection.
    """

    def __init__(self, warehouse: Warehouse, engine: Engine, analyst: extensions.connection) -> None:
        self.warehouse, self.engine, self.analyst = warehouse, engine, analyst
        self.luck = random.Random(17)
        self.rng = np.random.default_rng(17)
        self.number = 0
        self.found: Counter[str] = Counter()
        self.seen_kbps = [Decimal(1000)]
        for zone in ZONES:
            warehouse.add_account(zone, conn_id=zone)
        apps, entries, billed, configured = generated_apps()
        warehouse.add_apps(apps)
        for group, collect_from, collect_until, app_id in configured:
            warehouse.run(
                "update core.app set billing_group = %s, collect_from = %s, collect_until = %s"
                " where app_id = %s",
                (group, collect_from, collect_until, app_id),
            )
        warehouse.add_days(entries)
        self.days = [(day.app_id, day.usage_date) for day in entries if day.kbps]
        zones = {app.app_id: app.conn_id for app in apps}
        self.model = Model({app.app_id: app for app in billed}, zones, datetime(2024, 5, 1, tzinfo=UTC))
        self.move_clock()
        self.change_contracts()

    def step(self) -> None:
        """Apply one random event to the warehouse and the model."""
        events = (
            (8, self.change_contracts),
            (6, self.move_clock),
            (4, self.restate),
            (2, self.move_app),
            (1, self.remove_app),
            (2, self.refresh),
        )
        self.number += 1
        self.luck.choices([event for _, event in events], [weight for weight, _ in events])[0]()

    def move_clock(self) -> None:
        hours = self.luck.randrange(24 * ((LAST - FIRST).days + 20))
        self.model.now = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(hours=hours)
        self.warehouse.run(
            "create or replace function mart.clock() returns timestamptz language sql stable parallel safe"
            f" return '{self.model.now.isoformat()}'::timestamptz"
        )

    def change_contracts(self) -> None:
        groups = sorted({app.group for app in self.model.apps.values()})
        given = [self.contract(group) for group in self.luck.sample(groups, min(3, len(groups)))]
        parsed = parse_contracts(json.dumps(given))
        with self.engine.begin() as connection:
            assert contracts.sync(connection, parsed) == []
        self.model.contracts = {contract.billing_group: contract for contract in parsed}

    def contract(self, group: str) -> dict[str, Any]:
        contract: dict[str, Any] = {
            "billing_group": group,
            "method": self.luck.choice(BILLING_METHODS),
            "billing_day": self.luck.choice((1, 15, 28, self.luck.randrange(1, 29))),
        }
        if self.luck.random() < 0.7:
            contract["commit_kbps"] = self.rate()
        if self.luck.random() < 0.4:
            contract |= {"price_per_mbps": self.price(), "currency": "USD"}
        elif self.luck.random() < 0.7:
            starts = sorted({Decimal(0), *(Decimal(self.rate()) for _ in range(self.luck.randrange(3)))})
            tiers = [{"from_kbps": str(start), "price_per_mbps": self.price()} for start in starts]
            contract |= {"tiers": tiers, "currency": "EUR"}
        return contract

    def rate(self) -> str:
        """Return a previously billed rate, so that ties occur, or a rate near it."""
        factor = self.luck.choice(("1", "1", "0.9", "1.05", "2"))
        kbps = self.luck.choice(self.seen_kbps) * Decimal(factor)
        return str(max(Decimal("0.001"), kbps.quantize(Decimal("0.001"))))

    def price(self) -> str:
        return self.luck.choice(("1", "0.5", "1.25", "0.000001", f"{self.luck.randrange(10**7) / 10**6:.6f}"))

    def restate(self) -> None:
        app_id, day = self.luck.choice(self.days)
        kbps: list[float | None] = list(traffic.values(self.rng))
        if self.luck.random() < 0.4:
            kbps = list(traffic.with_gaps(traffic.values(self.rng), self.rng))
        points = 288 - kbps.count(None)
        if not points:
            return
        self.warehouse.run(
            "update core.app_day set kbps_int4 = null, kbps_float8 = %s, sum_kbps = 0, points = %s,"
            " state = %s"
            " where usage_date = %s and app_key = (select app_key from core.app where app_id = %s)",
            (kbps, points, "collected" if points == 288 else "partial", day, app_id),
        )
        self.warehouse.run(UPDATE_FIGURES)
        self.model.restate(app_id, day, [np.nan if value is None else value for value in kbps])

    def move_app(self) -> None:
        app_id, group = self.luck.choice(sorted(self.model.apps)), self.luck.choice(GROUPS)
        self.warehouse.run(
            "update core.app set billing_group = %s where app_id = %s", (group, app_id), "loader"
        )
        self.model.move(app_id, group or self.model.zones[app_id])

    def remove_app(self) -> None:
        app_id = self.luck.choice(sorted(self.model.apps))
        day = FIRST + timedelta(days=self.luck.randrange((LAST - FIRST).days))
        self.warehouse.run(
            "update core.app set removed_on = %s, removed_run = 'r',"
            " wanted = wanted * datemultirange(daterange(null, %s)) where app_id = %s",
            (day, day, app_id),
        )
        self.model.remove(app_id, day)

    def refresh(self) -> None:
        self.warehouse.rows("select core.refresh_aggregates(1000000)", role="loader")

    def rows(self, view: str, group: str, month: date | None) -> list[dict[str, Any]]:
        query = f"select * from mart.{view} where billing_group = %s and (%s::date is null or month = %s)"
        with self.analyst.cursor(cursor_factory=RealDictCursor) as cursor:
            cursor.execute(query, (group, month, month))
            return [dict(row) for row in cursor.fetchall()]

    def check_statement(self, group: str, month: date | None) -> str:
        """Compare a group's statements for one month or all months, and return the last status."""
        expected = {}
        if group in self.model.contracts:
            of_months = {each: self.model.statement(group, each) for each in ([month] if month else MONTHS)}
            expected = {each: row for each, row in of_months.items() if row}
        found = {row["month"]: row for row in self.rows("billing_statement", group, month)}
        assert differences(found, expected) == [], (self.number, self.model.now, group)
        self.seen_kbps += [
            row["billable_kbps"] for row in expected.values() if row["billable_kbps"] and row["amount"]
        ][:1]
        self.found["trend"] += any(row["days_until_commit"] is not None for row in expected.values())
        self.found["overage"] += any(row["overage_kbps"] and row["amount"] for row in expected.values())
        return str([*expected.values()][-1]["status"]) if expected else "none"

    def close(self, group: str, month: date) -> str:
        """Close a bill in the warehouse and in the model, and compare the outcomes."""
        force = self.luck.random() < 0.6
        invoice = self.luck.choice((None, None, self.luck.choice(self.seen_kbps)))
        run_id = f"run {self.number}"
        request = Request(run_id, "analyst", month, group, invoice, force)
        expected = self.model.close(group, month, run_id, invoice, force=force)
        try:
            with self.engine.begin() as connection:
                outcome = close(connection, request)
        except SettingsError:
            found = ["without_data"]
        else:
            found = [name for name, sentences in vars(outcome).items() if sentences]
        assert found == [expected], (self.number, self.model.now)
        return expected

    def check_closed(self, group: str, month: date) -> bool:
        """Compare a closed bill, and return whether it was restated."""
        expected = self.model.closed(group, month)
        found = {row["month"]: row for row in self.rows("billing_closed", group, month)}
        assert differences(found, {month: expected} if expected else {}) == [], (self.number, self.model.now)
        return bool(expected and expected["restated_difference_kbps"])


def differences(found: dict[date, Row], expected: dict[date, Row]) -> list[tuple[Any, ...]]:
    """Return the months on only one side, and the values that differ: month, name, found, expected."""
    months: list[tuple[Any, ...]] = [(month,) for month in found.keys() ^ expected.keys()]
    values = [
        (month, name, found[month].get(name, "no column"), expected[month].get(name, "no column"))
        for month in found.keys() & expected.keys()
        for name in found[month].keys() | expected[month].keys()
    ]
    return months + [value for value in values if value[2] != value[3]]


@pytest.fixture
def history(warehouse: Warehouse) -> Iterator[History]:
    engine = warehouse_engine(warehouse.url("loader"))
    with warehouse.connect("analyst") as analyst:
        yield History(warehouse, engine, analyst)
    engine.dispose()


@pytest.mark.parametrize("count", [60, pytest.param(1000, marks=[pytest.mark.slow, pytest.mark.full])])
def test_statements_and_closed_bills_equal_the_model(history: History, count: int) -> None:
    seen = history.found
    for _ in range(count):
        history.step()
        group = history.luck.choice(sorted(history.model.contracts))
        billing_day = history.model.contracts[group].billing_day
        running = (history.model.now - timedelta(days=billing_day - 1)).date().replace(day=1)
        month = history.luck.choice((*MONTHS, *[running] * 7))
        seen[history.check_statement(group, month if history.luck.random() < 0.9 else None)] += 1
        if history.luck.random() < 0.5:
            seen[history.close(group, month)] += 1
        if history.model.closings:
            seen["restated"] += history.check_closed(*history.luck.choice(sorted(history.model.closings)))
    for happened in ("running", "incomplete", "none", "closed", "refused", "restated", "trend", "overage"):
        assert seen[happened], (happened, seen)


TIERS = '[{"from_kbps": "0", "price_per_mbps": "0.90"}, {"from_kbps": 1000000, "price_per_mbps": 1.35}]'


@pytest.mark.parametrize(
    ("kbps", "tiers", "amount"),
    [
        ("1200000", TIERS, "1170.00"),  # the example in docs/billing.md
        ("1000000", TIERS, "900.00"),
        ("5", TIERS, "0.00"),
        ("50", '[{"from_kbps": 0, "price_per_mbps": 0.1}]', "0.01"),  # half up
        ("49.999", '[{"from_kbps": 0, "price_per_mbps": 0.1}]', "0.00"),
        ("0", TIERS, "0.00"),
        (None, TIERS, None),
        ("5", None, None),
    ],
)
def test_a_price_is_graduated_and_rounded_once(
    module_warehouse: Warehouse, kbps: str | None, tiers: str | None, amount: str | None
) -> None:
    (row,) = module_warehouse.rows(
        "select mart.billing_amount(%s, %s)::text as amount", (kbps, tiers), "analyst"
    )
    assert row["amount"] == amount


@pytest.fixture(scope="module")
def rising(module_warehouse: Warehouse) -> Warehouse:
    """Return a warehouse in which two groups rise daily by 100 kbps, from 1,000 to 1,900 kbps."""
    module_warehouse.add_account("UTC", conn_id="UTC")
    module_warehouse.add_account("Pacific/Kiritimati", conn_id="Kiritimati")
    first = date(2024, 3, 1)
    apps = [App(app_id, first, conn_id="UTC") for app_id in ("alone", "behind")]
    module_warehouse.add_apps([*apps, App("ahead", first, conn_id="Kiritimati")])
    module_warehouse.run(
        "update core.app set billing_group = case app_id when 'alone' then 'one' else 'two' end"
    )
    module_warehouse.add_days(
        AppDay(app_id, first + timedelta(days=number), [1000.0 + 100 * number] * 288)
        for app_id in ("alone", "behind")
        for number in range(10)
    )
    # The last ten hours of this day fall on a UTC date for which the group's other app has no points yet.
    module_warehouse.add_days([AppDay("ahead", date(2024, 3, 11), [0.0] * 168 + [9999.0] * 120)])
    module_warehouse.run(
        "create or replace function mart.clock() returns timestamptz language sql stable parallel safe"
        " return '2024-03-11 12:00Z'::timestamptz"
    )
    return module_warehouse


@pytest.mark.parametrize("group", ["one", "two"])
@pytest.mark.parametrize(
    ("first", "commit", "days"),
    [
        (1, "3000", 11),
        (1, "3000.001", 12),
        (1, "1950", 1),
        (1, "1900", 0),
        (1, "500", 0),
        (1, "38400", 365),
        (1, "38400.001", None),
        (4, "3000", 11),  # seven days
        (5, "3000", None),  # six days
    ],
)
def test_the_trend_reaches_the_commit_on_an_exact_day(
    rising: Warehouse, group: str, first: int, commit: str, days: int | None
) -> None:
    (row,) = rising.rows(
        "select mart.days_until_commit(%s, %s, '2024-03-31', 'peak_kbps', %s) as days",
        (group, date(2024, 3, first), commit),
        "analyst",
    )
    assert row["days"] == days


@pytest.mark.parametrize(
    ("commit", "overage", "days"), [("1900", 0, None), ("1900.001", 0, 1), ("1800", 100, None)]
)
def test_a_commit_that_is_reached_has_no_days_until_it(
    rising: Warehouse, commit: str, overage: int, days: int | None
) -> None:
    engine = warehouse_engine(rising.url("loader"))
    given = [{"billing_group": "one", "method": "peak_kbps", "commit_kbps": commit}]
    with engine.begin() as connection:
        contracts.sync(connection, parse_contracts(json.dumps(given)))
    engine.dispose()
    (row,) = rising.rows("select * from mart.billing_statement", role="analyst")
    assert (row["billable_kbps"], row["projected_kbps"], row["status"]) == (1900, 1900, "running")
    assert (row["overage_kbps"], row["days_until_commit"]) == (overage, days)
