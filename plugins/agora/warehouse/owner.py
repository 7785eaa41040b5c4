"""Runs commands that connect to the warehouse as its owner, with the URL in AGORA_WAREHOUSE_OWNER_URL."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from agora.errors import WarehouseError
from agora.warehouse.db_errors import explaining_db_errors
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.server_checks import require_durable_server


def run_as_owner(work: Callable[[URL], None]) -> str | None:
    """Call `work` with the owner's URL, log its progress, and return the error message if it fails."""
    logging.basicConfig(format="%(message)s", stream=sys.stdout)
    for name in ("agora", work.__module__):  # the second is __main__ if python -m runs the module
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        url = _owner_url()
        with explaining_db_errors(without_password(url)):
            require_durable_server(warehouse_engine(url)).connect().close()
            work(url)
    except WarehouseError as error:
        return str(error)
    return None


def without_password(url: URL) -> str:
    """Return the address without the password, for messages."""
    return f"{url.username}@{url.host}:{url.port or 5432}/{url.database}"


def _owner_url() -> URL:
    given = os.environ.get("AGORA_WAREHOUSE_OWNER_URL")
    if not given:
        raise WarehouseError(
            "Set AGORA_WAREHOUSE_OWNER_URL to the warehouse's URL for the role owner: postgresql://owner:…@host/db"
        )
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        url = None
    # An unquoted @ in the password leaves part of the password in the host, which messages would show.
    if url is None or "@" in f"{url.host}{url.database}":
        raise WarehouseError(
            "AGORA_WAREHOUSE_OWNER_URL is not a URL such as postgresql://owner:…@host:5432/warehouse. In the"
            " password, write @ as %40, / as %2F, : as %3A and % as %25."
        )
    return url
