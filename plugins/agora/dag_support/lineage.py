"""OpenLineage inputs and outputs of a collecting task."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

INPUT = "usages/bandwidth"
OUTPUTS = ("raw.bandwidth_response", "core.app_day")


class Datasets(NamedTuple):
    """Source and destination of a task's data, without secrets.

    Attributes:
        base_url: Base URL of the vendor's API.
        host: Host of the warehouse.
        port: Port of the warehouse.
        database: Database of the warehouse.
    """

    base_url: str
    host: str | None
    port: int | None
    database: str | None


def lineage(datasets: Datasets) -> OperatorLineage:
    """Return the inputs and outputs, named according to OpenLineage's naming rules."""
    from airflow.providers.common.compat.openlineage.facet import Dataset
    from airflow.providers.openlineage.extractors import OperatorLineage

    url = urlsplit(datasets.base_url)
    warehouse = f"postgres://{datasets.host}:{datasets.port or 5432}"
    return OperatorLineage(
        inputs=[Dataset(f"{url.scheme}://{url.netloc}", f"{url.path.strip('/')}/{INPUT}")],
        outputs=[Dataset(warehouse, f"{datasets.database}.{table}") for table in OUTPUTS],
    )
