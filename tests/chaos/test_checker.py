"""The checker finds every kind of damage, and nothing in an undamaged warehouse."""

from __future__ import annotations

import random
from collections.abc import Iterator
from operator import itemgetter

import pytest

from tests.bandwidth.collect.night import Night, night_of, product, window_days
from tests.chaos.checker import Acknowledged, AppDay, check, committed, missing
from tests.chaos.truth import Truth
from tests.support.sandbox_server import RunningSandbox, running_sandbox
from tests.warehouse.database import NO_POINTS, Warehouse

OLD = "create table kept_aside as select * from core.app_day"
# One app-day of the first app, and the same day of the second.
ONE = "app_key = {first} and usage_date = '{day}'"
OTHER = "app_key = {second} and usage_date = '{day}'"
WITHOUT_KEY = "alter table core.app_day drop constraint app_day_pkey"
COLUMNS = (
    "conn_id, starts_at, state, points, kbps_int4, kbps_float8, top_kbps, sum_kbps, attempts,"
    " http_status, reason, collected_at, verified_at, body_sha256"
)

DAMAGE = {
    "a deleted app-day": (f"delete from core.app_day where {ONE}", {"lost": 1}),
    "points removed": (
        f"update core.app_day set state = 'failed', {NO_POINTS} where {ONE}",
        {"lost": 1},
    ),
    "an older response restored": (
        f"update core.app_day set ({COLUMNS}) = (select {COLUMNS} from kept_aside where {ONE}) where {ONE}",
        {"lost": 1},
    ),
    "a second row": (
        f"{WITHOUT_KEY};"
        f" insert into core.app_day (app_key, usage_date, {COLUMNS})"
        f" select app_key, usage_date, {COLUMNS} from core.app_day where {ONE}",
        {"duplicated": 1},
    ),
    "a point missing": (
        f"update core.app_day set state = 'partial', points = 287, kbps_int4[7] = null where {ONE}",
        {"partial": 1, "mixed": 1},
    ),
    "one point of another day": (
        f"update core.app_day set kbps_int4[7] = kbps_int4[7] + 1 where {ONE}",
        {"mixed": 2},
    ),
    "points of another app": (
        f"update core.app_day set kbps_int4 = (select kbps_int4 from core.app_day where {OTHER}) where {ONE}",
        {"mixed": 2},
    ),
    "points of an older response in a newer ledger entry": (
        f"update core.app_day set kbps_int4 = (select kbps_int4 from kept_aside where {ONE}) where {ONE}",
        {"mixed": 1},
    ),
    "no raw response": (
        "delete from raw.bandwidth_response where app_id = '{app_id}' and usage_date = '{day}'",
        {"unproven": 1},
    ),
    "a raw response with other bytes": (
        "update raw.bandwidth_response set body = body || ' '::bytea where response_key ="
        " (select max(response_key) from raw.bandwidth_response"
        " where app_id = '{app_id}' and usage_date = '{day}')",
        {"unproven": 1},
    ),
}


@pytest.fixture(scope="module")
def vendor() -> Iterator[RunningSandbox]:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        yield sandbox


class Collected:
    """A warehouse that was collected, restated by the vendor, and collected again."""

    def __init__(self, vendor: RunningSandbox, warehouse: Warehouse) -> None:
        self.vendor, self.warehouse = vendor, warehouse
        self.night: Night = night_of(vendor, warehouse)
        self.day = window_days(vendor)[5]
        self.truth = Truth(vendor, (vendor.app_ids[0], window_days(vendor)[7], ("00:00", "12:35")))
        self.truth.begin()
        self.night.run()
        warehouse.run(OLD)
        self.truth.restate(random.Random(1))
        self.night.collect(sorted(product(vendor.app_ids, window_days(vendor)), key=itemgetter(1, 0)))
        with warehouse.connect() as connection:
            self.acknowledged: dict[AppDay, Acknowledged] = committed(connection)

    def findings(self) -> dict[str, int]:
        with self.warehouse.connect() as connection:
            return dict(check(connection, self.truth, self.acknowledged).counts)

    def damage(self, statement: str) -> None:
        keys = {
            row["app_id"]: row["app_key"]
            for row in self.warehouse.rows("select app_id, app_key from core.app")
        }
        first, second = self.vendor.app_ids
        self.warehouse.run(
            statement.format(first=keys[first], second=keys[second], day=self.day, app_id=first)
        )


@pytest.fixture
def collected(vendor: RunningSandbox, warehouse: Warehouse) -> Collected:
    return Collected(vendor, warehouse)


def test_an_undamaged_warehouse_has_no_findings(collected: Collected) -> None:
    assert collected.findings() == {}
    expected_days = product(collected.vendor.app_ids, window_days(collected.vendor))
    assert collected.acknowledged.keys() == expected_days
    with collected.warehouse.connect() as connection:
        assert missing(connection, expected_days) == set()


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_found(collected: Collected, what: str) -> None:
    statement, expected = DAMAGE[what]
    collected.damage(statement)
    assert collected.findings() == expected


def test_a_gap_is_found(collected: Collected) -> None:
    collected.damage(DAMAGE["a deleted app-day"][0])
    expected_days = product(collected.vendor.app_ids, window_days(collected.vendor))
    with collected.warehouse.connect() as connection:
        assert missing(connection, expected_days) == {(collected.vendor.app_ids[0], collected.day)}
