"""Connections as Airflow gives them to a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.bases.hook import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from agora.errors import SettingsError

if TYPE_CHECKING:
    from airflow.sdk import Connection


def stored_connection(conn_id: str, how_to_create: str) -> Connection:
    """Return a connection.

    Args:
        conn_id: The connection's name.
        how_to_create: Its type and what it needs, such as `with the type Postgres`.

    Raises:
        SettingsError: There is none, or Airflow cannot decrypt it. Airflow reports both in the same way.
    """
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise SettingsError(
            f"There is no connection {conn_id} that Airflow can read. Create it under Admin, Connections,"
            f" {how_to_create}. If it is there, it is stored with another Fernet key: start Airflow with that"
            " key, too."
        ) from None
