"""The `agora_contracts` variable: exact numbers, and errors that name the field and the billing group."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from agora.errors import SettingsError
from agora.settings.contracts import Tier, parse_contracts
from tests.support.paths import ROOT

pytestmark = pytest.mark.unit

LEAST = {"billing_group": "north", "method": "p95_kbps"}
PRICED = {**LEAST, "price_per_mbps": "1.25", "currency": "USD"}


def tiers(*tiers: tuple[Any, Any]) -> dict[str, Any]:
    """Return a contract with tiers, given as rate and price."""
    given = [{"from_kbps": kbps, "price_per_mbps": price} for kbps, price in tiers]
    return {**LEAST, "currency": "EUR", "tiers": given}


def test_only_the_group_and_the_method_are_required() -> None:
    (contract,) = parse_contracts(json.dumps([LEAST]))
    assert (contract.billing_group, contract.method, contract.billing_day) == ("north", "p95_kbps", 1)
    assert (contract.commit_kbps, contract.priced_tiers, contract.currency) == (None, (), None)


def test_blanks_around_a_group_do_not_make_another_group() -> None:
    (contract,) = parse_contracts(json.dumps([{**LEAST, "billing_group": " north "}]))
    assert contract.billing_group == "north"


@pytest.mark.parametrize("number", ["0.1", "1.250000", "123456789012.345678"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_numbers_are_exact(number: str, quote: str) -> None:
    given = json.dumps([PRICED]).replace('"1.25"', f"{quote}{number}{quote}")
    (contract,) = parse_contracts(given)
    assert contract.priced_tiers == (Tier(from_kbps=Decimal(0), price_per_mbps=Decimal(number)),)
    assert str(contract.priced_tiers[0].price_per_mbps) == number


def test_a_rate_has_up_to_three_decimal_places() -> None:
    (contract,) = parse_contracts(
        '[{"billing_group": "a", "method": "peak_kbps", "commit_kbps": 500000.125}]'
    )
    assert contract.commit_kbps == Decimal("500000.125")


def test_tiers_are_accepted_in_ascending_order() -> None:
    (contract,) = parse_contracts(json.dumps([tiers((0, 2), ("1000.5", "1.5"), (2000, 0))]))
    assert [(tier.from_kbps, tier.price_per_mbps) for tier in contract.priced_tiers] == [
        (Decimal(0), Decimal(2)),
        (Decimal("1000.5"), Decimal("1.5")),
        (Decimal(2000), Decimal(0)),
    ]


@pytest.mark.parametrize(
    ("contract", "field"),
    [
        ({**LEAST, "method": "p95"}, "0.method (billing group north)"),
        ({**LEAST, "billing_group": ""}, "0.billing_group"),
        ({**LEAST, "billing_group": "a\nb"}, "0.billing_group"),
        ({"method": "p95_kbps"}, "0.billing_group"),
        ({**LEAST, "commit_mbps": 5}, "0.commit_mbps (billing group north)"),
        ({**LEAST, "commit_kbps": 0}, "0.commit_kbps"),
        ({**LEAST, "commit_kbps": -1}, "0.commit_kbps"),
        ({**LEAST, "commit_kbps": "1.0005"}, "0.commit_kbps"),
        ({**LEAST, "commit_kbps": True}, "0.commit_kbps"),
        ({**LEAST, "commit_kbps": "1_000"}, "0.commit_kbps"),
        ({**LEAST, "commit_kbps": "1,000"}, "0.commit_kbps"),
        ({**LEAST, "commit_kbps": "\u0661"}, "0.commit_kbps"),
        ({**LEAST, "commit_kbps": float("nan")}, "0.commit_kbps"),
        ({**LEAST, "commit_kbps": float("inf")}, "0.commit_kbps"),
        ({**LEAST, "billing_day": 0}, "0.billing_day"),
        ({**LEAST, "billing_day": 29}, "0.billing_day"),
        ({**LEAST, "billing_day": 1.5}, "0.billing_day"),
        ({**LEAST, "billing_day": True}, "0.billing_day"),
        ({**PRICED, "price_per_mbps": "1.0000001"}, "0.price_per_mbps"),
        ({**PRICED, "price_per_mbps": "-1"}, "0.price_per_mbps"),
        ({**PRICED, "currency": "usd"}, "0.currency"),
        ({**PRICED, "currency": "USDT"}, "0.currency"),
        ({**PRICED, "currency": None}, "a currency together with price_per_mbps"),
        ({**LEAST, "currency": "USD"}, "a currency together with price_per_mbps"),
        ({**PRICED, "tiers": tiers((0, 1))["tiers"]}, "not both"),
        (tiers((5, 1)), "begin with from_kbps 0"),
        (tiers((0, 1), (9, 1), (9, 2)), "must exceed the previous one"),
        (tiers((0, 1), (9, 1), (8, 2)), "must exceed the previous one"),
        (tiers((0, None)), "0.tiers.0.price_per_mbps (billing group north)"),
    ],
)
def test_the_error_names_the_field_and_the_group(contract: dict[str, Any], field: str) -> None:
    with pytest.raises(SettingsError, match="agora_contracts is not usable") as refused:
        parse_contracts(json.dumps([contract]))
    assert field in str(refused.value)


@pytest.mark.parametrize("value", ["", "not json", "null", "{}", '["north"]', json.dumps([LEAST, PRICED])])
def test_the_error_for_an_invalid_list_names_the_variable(value: str) -> None:
    with pytest.raises(SettingsError, match="agora_contracts is not usable"):
        parse_contracts(value)


def test_the_documented_example_is_accepted() -> None:
    text = (ROOT / "docs" / "billing.md").read_text(encoding="utf-8")
    (example,) = (block for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL) if "method" in block)
    one, other = parse_contracts(example)
    assert len(one.priced_tiers) == 1
    assert len(other.priced_tiers) == 2
