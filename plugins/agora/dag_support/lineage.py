"""What a collecting task reads and writes; OpenLineage's provider asks, and only where it is active."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

INPUT = "usages/bandwidth"
OUTPUTS = ("raw.bandwidth_response", "core.app_day")


class Places(NamedTuple):
    """Where a task's data come from and go to; no secrets.

    Attributes:
        base_url: Of the account.
        host: Of the warehouse.
        port: Of the warehouse.
        database: Its name.
    """

    base_url: str
    host: str | None
    port: int | None
    database: str | None


def lineage(places: Places) -> OperatorLineage:
    """Name the data sets as OpenLineage does."""
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    url = urlsplit(places.base_url)
    warehouse = f"postgres://{places.host}:{places.port or 5432}"
    return OperatorLineage(
        inputs=[Dataset(f"{url.scheme}://{url.netloc}", f"{url.path.strip('/')}/{INPUT}")],
        outputs=[Dataset(warehouse, f"{places.database}.{table}") for table in OUTPUTS],
    )
