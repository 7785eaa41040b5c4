"""Write the configured contracts to the warehouse."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, text

from agora.settings.contracts import Contract

WITHOUT_APPS = """
select billing_group from core.billing_contract
where billing_group not in (select billing_group from core.app_calendar)
order by 1
"""


def sync(connection: Connection, contracts: Sequence[Contract]) -> list[str]:
    """Replace the stored contracts, in the caller's transaction.

    Returns:
        The billing groups that have a contract but never had an app. These groups have no statement.
    """
    # Decimals are passed as strings, so that they remain exact.
    rows = [
        {
            **contract.model_dump(mode="json", exclude={"price_per_mbps"}),
            "tiers": [tier.model_dump(mode="json") for tier in contract.priced_tiers] or None,
        }
        for contract in contracts
    ]
    replace = text("select core.replace_contracts(cast(:contracts as jsonb))")
    connection.execute(replace, {"contracts": json.dumps(rows)})
    return list(connection.execute(text(WITHOUT_APPS)).scalars())
