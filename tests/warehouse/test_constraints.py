"""Each constraint on the ledger refuses invalid rows and accepts valid rows."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2 import errors

from tests.warehouse.database import App, Warehouse
from tests.warehouse.test_coverage import MONDAY

COUNT = 288
POINTS = "array_fill(1.0::double precision, array[288])"
ABSENT = "array_fill(null::double precision, array[288])"
LARGEST = "array_fill(1.0::double precision, array[15])"
DIGEST = "'\\x00'::bytea"
# A complete day, as SQL expressions. Each case changes one or a few columns.
COLLECTED = {
    "app_key": "(select app_key from core.app)",
    "usage_date": "'2025-03-03'",
    "starts_at": "'2025-03-03T00:00:00Z'",
    "state": "'collected'",
    "points": "288",
    "kbps_float8": POINTS,
    "top_kbps": LARGEST,
    "sum_kbps": "288",
    "attempts": "1",
    "http_status": "200",
    "reason": "''",
    "collected_at": "'2025-03-04T03:00:00Z'",
    "body_sha256": DIGEST,
    "conn_id": "'agora_dashboard'",
    "verified_at": "'2025-03-04T03:00:00Z'",
}
NO_GRID = {
    "points": "0",
    "kbps_float8": "null",
    "top_kbps": "null",
    "sum_kbps": "null",
    "verified_at": "null",
}
WHOLE = {"kbps_float8": "null"}


def first_point(value: str) -> str:
    return f"array_prepend({value}::double precision, array_fill(1.0::double precision, array[287]))"


def first_whole_point(value: str) -> str:
    return f"array_prepend({value}::integer, array_fill(1, array[287]))"


def length(count: int) -> str:
    return f"array_fill(1.0::double precision, array[{count}])"


@pytest.fixture(scope="module")
def module_ledger(module_warehouse: Warehouse) -> Warehouse:
    module_warehouse.add_account()
    module_warehouse.add_apps([App("a", MONDAY, MONDAY)])
    return module_warehouse


@pytest.fixture
def ledger(module_ledger: Warehouse) -> Iterator[Warehouse]:
    """Yield a warehouse with one app and no app-days."""
    yield module_ledger
    module_ledger.run("delete from core.app_day")


def insert(ledger: Warehouse, changes: dict[str, str]) -> None:
    row = {**COLLECTED, **changes}
    ledger.run(
        f"insert into core.app_day ({', '.join(row)}) values ({', '.join(row.values())})", role="loader"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"kbps_float8": length(COUNT).replace("1.0", "0.0")},
        {"kbps_float8": first_point("1e11")},
        {"state": "'partial'", "points": "287", "kbps_float8": first_point("null")},
        {"state": "'partial'", "points": "0", "kbps_float8": ABSENT, "sum_kbps": "null"},
        {**WHOLE, "kbps_int4": first_whole_point(f"{2**31 - 1}")},
        {**WHOLE, "kbps_int4": first_whole_point("null"), "state": "'partial'", "points": "287"},
        {
            "state": "'failed'",
            **NO_GRID,
            "http_status": "null",
            "collected_at": "null",
            "body_sha256": "null",
        },
        {"state": "'failed'", **NO_GRID, "http_status": "400"},
        {"state": "'rejected'", **NO_GRID},
        {"verified_at": "'2025-03-09T03:00:00Z'"},
    ],
)
def test_a_valid_row_is_accepted(ledger: Warehouse, changes: dict[str, str]) -> None:
    insert(ledger, changes)


@pytest.mark.parametrize(
    ("constraint", "changes"),
    [
        pytest.param(constraint, changes, id=name)
        for name, constraint, changes in [
            ("NaN", "rates_are_plausible", {"kbps_float8": first_point("'nan'")}),
            ("infinity", "rates_are_plausible", {"kbps_float8": first_point("'infinity'")}),
            ("minus infinity", "rates_are_plausible", {"kbps_float8": first_point("'-infinity'")}),
            ("more than 100 Tbit per second", "rates_are_plausible", {"kbps_float8": first_point("1.1e11")}),
            (
                "a negative whole number",
                "rates_are_plausible",
                {**WHOLE, "kbps_int4": first_whole_point("-1")},
            ),
            (
                "one whole number short",
                "grid_is_288_slots",
                {**WHOLE, "kbps_int4": "array_fill(1, array[287])"},
            ),
            (
                "whole numbers beginning with slot 0",
                "grid_is_288_slots",
                {**WHOLE, "kbps_int4": "array_fill(1, array[288], array[0])"},
            ),
            (
                "an uncounted gap among whole numbers",
                "points_are_the_slots_present",
                {**WHOLE, "kbps_int4": first_whole_point("null")},
            ),
            ("two grids", "only_sound_days_have_a_grid", {"kbps_int4": first_whole_point("1")}),
            ("points without the largest", "top_and_sum_belong_to_points", {"top_kbps": "null"}),
            ("points without a sum", "top_and_sum_belong_to_points", {"sum_kbps": "null"}),
            (
                "the largest points of no points",
                "top_and_sum_belong_to_points",
                {"state": "'failed'", **NO_GRID, "top_kbps": LARGEST},
            ),
            (
                "a sum of no points",
                "top_and_sum_belong_to_points",
                {"state": "'partial'", "points": "0", "kbps_float8": ABSENT},
            ),
            ("negative", "rates_are_plausible", {"kbps_float8": first_point("-0.25")}),
            (
                "negative beside a gap",
                "rates_are_plausible",
                {
                    "state": "'partial'",
                    "points": "287",
                    "kbps_float8": f"({first_point('null')})[1:287] || -1.0",
                },
            ),
            (
                "one slot short",
                "grid_is_288_slots",
                {"state": "'partial'", "points": "287", "kbps_float8": length(287)},
            ),
            ("one slot over", "grid_is_288_slots", {"kbps_float8": length(289)}),
            ("empty", "grid_is_288_slots", {"state": "'partial'", "points": "0", "kbps_float8": "'{}'"}),
            ("two dimensions", "grid_is_288_slots", {"kbps_float8": POINTS.replace("288", "2, 144")}),
            (
                "one row of two dimensions",
                "grid_is_288_slots",
                {"kbps_float8": POINTS.replace("288", "1, 288")},
            ),
            (
                "beginning with slot 0",
                "grid_is_288_slots",
                {"kbps_float8": POINTS.replace("])", "], array[0])")},
            ),
            ("an uncounted gap", "points_are_the_slots_present", {"kbps_float8": first_point("null")}),
            (
                "one gap too many counted",
                "points_are_the_slots_present",
                {"state": "'partial'", "points": "286", "kbps_float8": first_point("null")},
            ),
            (
                "collected with 287 points",
                "points_match_state",
                {"points": "287", "kbps_float8": first_point("null")},
            ),
            ("partial with 288 points", "points_match_state", {"state": "'partial'"}),
            (
                "negative points",
                "points_match_state",
                {"state": "'failed'", **NO_GRID, "points": "-1"},
            ),
            ("failed with points", "points_match_state", {**NO_GRID, "state": "'failed'", "points": "288"}),
            (
                "rejected with points",
                "points_match_state",
                {**NO_GRID, "state": "'rejected'", "points": "288"},
            ),
            (
                "rejected with a grid",
                "only_sound_days_have_a_grid",
                {"state": "'rejected'", **NO_GRID, "kbps_float8": ABSENT},
            ),
            (
                "failed with a grid",
                "only_sound_days_have_a_grid",
                {"state": "'failed'", **NO_GRID, "kbps_float8": ABSENT},
            ),
            ("collected without a grid", "only_sound_days_have_a_grid", {"kbps_float8": "null"}),
            ("points never verified", "points_are_verified", {"verified_at": "null"}),
            (
                "verified without points",
                "points_are_verified",
                {"state": "'failed'", **NO_GRID, "verified_at": "'2025-03-04T03:00:00Z'"},
            ),
            ("partial without a grid", "only_sound_days_have_a_grid", {"state": "'partial'", **NO_GRID}),
            ("collected without a digest", "only_sound_days_have_a_grid", {"body_sha256": "null"}),
            ("collected without a time", "only_sound_days_have_a_grid", {"collected_at": "null"}),
            ("unknown state", "state_is_known", {"state": "'complete'", **NO_GRID}),
            ("the computed state lost", "state_is_known", {"state": "'lost'", **NO_GRID}),
            ("the computed state pending", "state_is_known", {"state": "'pending'", **NO_GRID}),
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
        (errors.GeneratedAlways, {"kbps": POINTS}),
        *((errors.NotNullViolation, {column: "null"}) for column in ("app_key", "usage_date", "starts_at")),
        *(
            (errors.NotNullViolation, {column: "null"})
            for column in ("state", "points", "attempts", "reason", "conn_id")
        ),
    ],
)
def test_a_missing_or_unknown_value_is_refused(
    ledger: Warehouse, error: type[psycopg2.Error], changes: dict[str, str]
) -> None:
    with pytest.raises(error):
        insert(ledger, changes)


def test_an_app_day_is_unique(ledger: Warehouse) -> None:
    insert(ledger, {})
    with pytest.raises(errors.UniqueViolation):
        insert(ledger, {})


def test_an_app_id_has_one_spelling(ledger: Warehouse) -> None:
    with pytest.raises(errors.CheckViolation) as refusal:
        ledger.add_apps([App("A", MONDAY)])
    assert refusal.value.diag.constraint_name == "app_id_is_in_lower_case"


def test_an_app_is_unique_and_belongs_to_a_known_account(ledger: Warehouse) -> None:
    with pytest.raises(errors.UniqueViolation):
        ledger.add_apps([App("a", MONDAY)])
    with pytest.raises(errors.ForeignKeyViolation):
        ledger.add_apps([App("b", MONDAY, conn_id="nobody's")])


UNREADABLE = ("-infinity", "4000-01-01 BC", "10000-01-02", "infinity")
DATES_OF_THE_LOADER = """
select attrelid::regclass::text as relation, attname as name
from pg_attribute
where
    atttypid in ('date'::regtype, 'timestamptz'::regtype)
    and attnum > 0
    and attrelid in (
        select oid from pg_class
        where relkind = 'r' and relnamespace in ('raw'::regnamespace, 'core'::regnamespace)
    )
    and has_table_privilege('loader', attrelid, 'insert')
"""


def test_a_loader_can_store_no_date_that_readers_fail_on(module_ledger: Warehouse) -> None:
    columns = module_ledger.rows(DATES_OF_THE_LOADER)
    assert len(columns) > 20
    with module_ledger.connect() as connection, connection.cursor() as cursor:
        for column in columns:
            cursor.execute(f"create temporary table alike (like {column['relation']} including constraints)")
            cursor.execute(
                "select attname from pg_attribute"
                " where attrelid = 'alike'::regclass and attnum > 0 and attnotnull"
            )
            for (name,) in cursor.fetchall():
                cursor.execute(f"alter table alike alter column {name} drop not null")
            for value in UNREADABLE:
                with pytest.raises(errors.CheckViolation, match="dates_have_four_digit_years"):
                    cursor.execute(f"insert into alike ({column['name']}) values ('{value}')")
            cursor.execute("drop table alike")


@pytest.mark.parametrize(
    "bounds",
    [
        "'-infinity', null",
        "'4000-01-01 BC', null",
        "'2025-01-01', 'infinity'",
        "'2025-01-01', '5874897-12-31'",
    ],
)
def test_no_expected_period_begins_or_ends_on_such_a_date(module_ledger: Warehouse, bounds: str) -> None:
    with pytest.raises(errors.CheckViolation):
        module_ledger.run(
            "insert into core.app (app_id, name, conn_id, wanted)"
            f" values ('z', 'z', 'agora_dashboard', datemultirange(daterange({bounds})))",
            role="loader",
        )


def test_no_noted_change_can_stop_a_refresh(module_ledger: Warehouse) -> None:
    note = "insert into core.changed_app_day (app_key, usage_date, starts_at) values (1, %s, now())"
    for value in (*UNREADABLE, "5874897-12-31"):
        with pytest.raises(errors.CheckViolation):
            module_ledger.run(note, (value,), "loader")
    for value in ("0001-01-01", "9999-12-31"):
        module_ledger.run(note, (value,), "loader")
    module_ledger.run("select core.refresh_aggregates(1000)", role="loader")
    assert module_ledger.rows("select * from core.changed_app_day") == []
