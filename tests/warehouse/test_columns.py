"""The columns of the relations in mart: app names accompany App IDs, and computed rates are rounded."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

from agora.bandwidth.decode import MOST_KBPS
from tests.warehouse.database import App, AppDay, Warehouse

# Points as the vendor delivered them.
RAW = {("bandwidth_5min", "kbps"), ("bandwidth_5min_between", "kbps")}
COLUMNS = """
select
    table_name::text as relation, column_name::text as name, data_type::text as type,
    ordinal_position as number
from information_schema.columns where table_schema = 'mart'
union all
select proname::text, argument.name, format_type(argument.type, null), argument.number
from pg_proc
cross join lateral unnest(proargnames, proallargtypes, proargmodes) with ordinality
    as argument (name, type, mode, number)
where pronamespace = 'mart'::regnamespace and argument.mode = 't'
order by relation, number
"""


def test_app_name_follows_app_id_in_every_relation(warehouse: Warehouse) -> None:
    columns = [(row["relation"], row["name"]) for row in warehouse.rows(COLUMNS)]
    following = {relation: after for (relation, name), after in pairwise(columns) if name == "app_id"}
    assert len(following) >= 8
    assert following == {relation: (relation, "app_name") for relation in following}


def test_every_computed_rate_is_numeric(warehouse: Warehouse) -> None:
    rates = {
        (row["relation"], row["name"]): row["type"]
        for row in warehouse.rows(COLUMNS)
        if row["name"].endswith("kbps")
    }
    assert {relation for relation, _ in rates} >= {"bandwidth_daily", "billing_monthly", "restatement"}
    assert {column for column, its_type in rates.items() if its_type != "numeric"} == RAW


def test_figures_are_exact_to_three_decimal_places(warehouse: Warehouse) -> None:
    """A sum of 0.1 and 0.2 is not 0.30000000000000004, and the largest points keep their last digit."""
    day, large_day = date(2025, 3, 3), date(2025, 3, 4)
    largest = MOST_KBPS - 0.001
    warehouse.add_account()
    warehouse.add_apps([App("a", day, day), App("b", day, day), App("large", large_day, large_day)])
    warehouse.add_days([AppDay("a", day, [0.1] * 288), AppDay("b", day, [0.2] * 288)])
    warehouse.add_days([AppDay("large", large_day, [largest] * 288)])
    for query, expected in {
        "select kbps from mart.bandwidth_5min_total where usage_date = '2025-03-03'": "0.300",
        "select mean_kbps from mart.bandwidth_daily where app_id = 'a'": "0.100",
        "select fifth_peak_kbps from mart.bandwidth_daily where app_id = 'large'": str(largest),
        "select p95_kbps from mart.billing_monthly where app_id = 'large'": str(largest),
        "select peak_kbps from mart.billing_monthly_total": str(largest),
        "select p95_kbps from mart.billing_between('2025-03-01', '2025-03-31', array['large'])": str(largest),
    }.items():
        found = {str(*row.values()) for row in warehouse.rows(query, role="analyst")}
        assert found == {expected}, query
