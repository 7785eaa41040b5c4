"""Each constraint of the ledger refuses what it is there to refuse, and accepts what is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from psycopg2 import errors

from tests.warehouse.database import App, Warehouse
from tests.warehouse.test_coverage import MONDAY

COUNT = 288
POINTS = "array_fill(1.0::double precision, array[288])"
ABSENT = "array_fill(null::double precision, array[288])"
DIGEST = "'\\x00'::bytea"
# A complete day, as SQL; each case changes a column or two of it.
COLLECTED = {
    "app_key": "(select app_key from core.app)",
    "usage_date": "'2025-03-03'",
    "starts_at": "'2025-03-03T00:00:00Z'",
    "state": "'collected'",
    "points": "288",
    "kbps": POINTS,
    "attempts": "1",
    "http_status": "200",
    "reason": "''",
    "collected_at": "'2025-03-04T03:00:00Z'",
    "body_sha256": DIGEST,
}
NO_GRID = {"points": "0", "kbps": "null"}


def first_point(value: str) -> str:
    return f"array_prepend({value}::double precision, array_fill(1.0::double precision, array[287]))"


def length(count: int) -> str:
    return f"array_fill(1.0::double precision, array[{count}])"


@pytest.fixture(scope="module")
def file_ledger(module_warehouse: Warehouse) -> Warehouse:
    module_warehouse.add_account()
    module_warehouse.add_apps([App("a", MONDAY, MONDAY)])
    return module_warehouse


@pytest.fixture
def ledger(file_ledger: Warehouse) -> Iterator[Warehouse]:
    """Yield a warehouse with one app and no app-day."""
    yield file_ledger
    file_ledger.run("delete from core.app_day")


def insert(ledger: Warehouse, changes: dict[str, str]) -> None:
    row = {**COLLECTED, **changes}
    ledger.run(
        f"insert into core.app_day ({', '.join(row)}) values ({', '.join(row.values())})", role="loader"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kbps": length(COUNT).replace("1.0", "0.0")},
        {"kbps": first_point("1e11")},
        {"state": "'partial'", "points": "287", "kbps": first_point("null")},
        {"state": "'partial'", "points": "0", "kbps": ABSENT},
        {
            "state": "'failed'",
            **NO_GRID,
            "http_status": "null",
            "collected_at": "null",
            "body_sha256": "null",
        },
        {"state": "'lost'", **NO_GRID, "http_status": "400", "attempts": "0"},
        {"state": "'rejected'", **NO_GRID},
        {"state": "'pending'", **NO_GRID, "attempts": "0"},
    ],
)
def test_what_is_right_is_accepted(ledger: Warehouse, changes: dict[str, str]) -> None:
    insert(ledger, changes)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        pytest.param(constraint, changes, id=name)
        for name, constraint, changes in [
            ("NaN", "rates_are_plausible", {"kbps": first_point("'nan'")}),
            ("infinity", "rates_are_plausible", {"kbps": first_point("'infinity'")}),
            ("minus infinity", "rates_are_plausible", {"kbps": first_point("'-infinity'")}),
            ("more than 100 Tbit a second", "rates_are_plausible", {"kbps": first_point("1.1e11")}),
            ("negative", "rates_are_plausible", {"kbps": first_point("-0.25")}),
            (
                "negative beside a gap",
                "rates_are_plausible",
                {"state": "'partial'", "points": "287", "kbps": f"({first_point('null')})[1:287] || -1.0"},
            ),
            (
                "one slot short",
                "grid_is_288_slots",
                {"state": "'partial'", "points": "287", "kbps": length(287)},
            ),
            ("one slot over", "grid_is_288_slots", {"kbps": length(289)}),
            ("empty", "grid_is_288_slots", {"state": "'partial'", "points": "0", "kbps": "'{}'"}),
            ("two dimensions", "grid_is_288_slots", {"kbps": POINTS.replace("288", "2, 144")}),
            ("one row of two dimensions", "grid_is_288_slots", {"kbps": POINTS.replace("288", "1, 288")}),
            ("from slot 0", "grid_is_288_slots", {"kbps": POINTS.replace("])", "], array[0])")}),
            ("a gap not counted", "points_are_the_slots_present", {"kbps": first_point("null")}),
            (
                "a gap too many counted",
                "points_are_the_slots_present",
                {"state": "'partial'", "points": "286", "kbps": first_point("null")},
            ),
            (
                "collected with 287 points",
                "points_match_state",
                {"points": "287", "kbps": first_point("null")},
            ),
            ("partial with 288 points", "points_match_state", {"state": "'partial'"}),
            (
                "fewer points than none",
                "points_match_state",
                {"state": "'failed'", **NO_GRID, "points": "-1"},
            ),
            ("failed with points", "points_match_state", {"state": "'failed'", "kbps": "null"}),
            ("lost with points", "points_match_state", {"state": "'lost'", "kbps": "null"}),
            (
                "pending with a grid",
                "only_sound_days_have_a_grid",
                {"state": "'pending'", **NO_GRID, "kbps": ABSENT},
            ),
            (
                "failed with a grid",
                "only_sound_days_have_a_grid",
                {"state": "'failed'", **NO_GRID, "kbps": ABSENT},
            ),
            ("collected without a grid", "only_sound_days_have_a_grid", {"kbps": "null"}),
            ("partial without a grid", "only_sound_days_have_a_grid", {"state": "'partial'", **NO_GRID}),
            ("collected without a digest", "only_sound_days_have_a_grid", {"body_sha256": "null"}),
            ("collected at no time", "only_sound_days_have_a_grid", {"collected_at": "null"}),
            ("unknown state", "state_is_known", {"state": "'complete'", **NO_GRID}),
            ("negative attempts", "attempts_are_counted", {"attempts": "-1"}),
        ]
    ],
)
def test_a_violation_is_refused(ledger: Warehouse, constraint: str, changes: dict[str, str]) -> None:
    with pytest.raises(errors.CheckViolation) as refusal:
        insert(ledger, changes)
    assert refusal.value.diag.constraint_name == constraint


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        (errors.ForeignKeyViolation, {"app_key": "4711"}),
        (errors.GeneratedAlways, {"top_kbps": length(15)}),
        *((errors.NotNullViolation, {column: "null"}) for column in ("app_key", "usage_date", "starts_at")),
        *(
            (errors.NotNullViolation, {column: "null"})
            for column in ("state", "points", "attempts", "reason")
        ),
    ],
)
def test_what_must_be_there_is(
    ledger: Warehouse, error: type[psycopg2.Error], changes: dict[str, str]
) -> None:
    with pytest.raises(error):
        insert(ledger, changes)


def test_an_app_day_is_there_once(ledger: Warehouse) -> None:
    insert(ledger, {})
    with pytest.raises(errors.UniqueViolation):
        insert(ledger, {})


@pytest.mark.parametrize(
    "edge",
    [
        ("2025-03-03", None, None),
        (None, "2025-02-03", "2025-02-02"),
        ("2025-03-03", "2025-02-03", None),
        ("2025-03-03", "2025-02-03", "2025-02-03"),
        ("2025-03-03", "2025-02-03", "2025-02-04"),
    ],
)
def test_a_windows_edge_is_whole_and_in_order(ledger: Warehouse, edge: tuple[Any, ...]) -> None:
    with pytest.raises(errors.CheckViolation) as refusal:
        ledger.run(
            "update core.vendor_account set (learned_on, oldest_served, newest_refused) = (%s, %s, %s)",
            edge,
            "loader",
        )
    assert refusal.value.diag.constraint_name == "edge_is_adjacent"


def test_an_app_belongs_to_a_known_account_and_is_there_once(ledger: Warehouse) -> None:
    with pytest.raises(errors.UniqueViolation):
        ledger.add_apps([App("a", MONDAY)])
    with pytest.raises(errors.ForeignKeyViolation):
        ledger.add_apps([App("b", MONDAY, conn_id="nobody's")])
