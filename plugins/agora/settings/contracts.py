"""The `agora_contracts` variable, which lists the contract of each billing group."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from agora.domain import BillingMethod
from agora.errors import SettingsError
from agora.settings.validation import Settings, escaped, plain

CONTRACTS_VARIABLE = "agora_contracts"


def _exact(value: Any) -> Any:
    """Refuse numbers that are not exact, or whose notation could hide a mistake."""
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if is_number or (isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value)):
        return value
    raise ValueError('must be a number such as 1250 or "1.25"')


Kbps = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, max_digits=18, decimal_places=3)]
Price = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, max_digits=18, decimal_places=6)]


class Tier(Settings):
    """The price of the part of a rate that is in this tier.

    Attributes:
        from_kbps: Rate at which the tier begins.
        price_per_mbps: Price of each Mbps (1,000 kbps) in the tier, for one billing period.
    """

    from_kbps: Kbps
    price_per_mbps: Price


class Contract(Settings):
    """The billing terms of a billing group, from the `agora_contracts` variable.

    Attributes:
        billing_group: The billing group.
        method: Billing method: the name of one of the bill's rate columns.
        commit_kbps: Minimum rate that is billed. Default: none.
        price_per_mbps: Price of each Mbps (1,000 kbps) for one billing period. Default: none,
            so no amounts are computed.
        tiers: Prices by rate, instead of price_per_mbps. The first tier begins at 0.
        currency: ISO 4217 code of the prices.
        billing_day: Day of the month on which billing periods begin.
    """

    billing_group: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    method: BillingMethod
    commit_kbps: Annotated[Kbps, Field(gt=0)] | None = None
    price_per_mbps: Price | None = None
    tiers: tuple[Tier, ...] = ()
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    billing_day: Annotated[int, Field(strict=True, ge=1, le=28)] = 1

    @model_validator(mode="after")
    def _prices_are_unambiguous(self) -> Contract:
        if self.tiers and self.price_per_mbps is not None:
            raise ValueError("give either price_per_mbps or tiers, not both")
        if bool(self.priced_tiers) != bool(self.currency):
            raise ValueError("give a currency together with price_per_mbps or tiers, or omit all three")
        starts = [tier.from_kbps for tier in self.priced_tiers]
        if starts and (starts[0] != 0 or any(low >= high for low, high in pairwise(starts))):
            raise ValueError(
                "tiers must begin with from_kbps 0, and each from_kbps must exceed the previous one"
            )
        return self

    @property
    def priced_tiers(self) -> tuple[Tier, ...]:
        """The price tiers. A single price is one tier. Empty if the contract has no price."""
        if self.price_per_mbps is None:
            return self.tiers
        return (Tier(from_kbps=Decimal(0), price_per_mbps=self.price_per_mbps),)


_CONTRACTS = TypeAdapter(list[Contract])


def parse_contracts(value: str) -> list[Contract]:
    """Return the contracts in the `agora_contracts` variable, a JSON list of objects, with exact numbers.

    Raises:
        SettingsError: The value is not such a list, or contains a billing group twice.
    """
    given: Any = None

    def group_of(place: tuple[int | str, ...]) -> str:
        is_item = isinstance(given, list) and place and isinstance(place[0], int)
        contract = given[place[0]] if is_item else None
        group = contract.get("billing_group") if isinstance(contract, dict) else None
        return f"billing group {escaped(group)}" if isinstance(group, str) else ""

    try:
        given = json.loads(value, parse_float=Decimal)
        contracts = _CONTRACTS.validate_python(given)
    except ValidationError as error:
        raise _unusable(plain(error, group_of)) from None
    except ValueError as error:
        raise _unusable(plain(error)) from None
    _require_unique([contract.billing_group for contract in contracts])
    return contracts


def _require_unique(groups: Sequence[str]) -> None:
    for group in groups:
        if groups.count(group) > 1:
            raise _unusable(f"it contains the billing group {group} twice. Remove one of the two.")


def _unusable(reason: str) -> SettingsError:
    return SettingsError(f"The variable {CONTRACTS_VARIABLE} is not usable: {reason}")
