"""Functions shared by all hooks: read a connection, mask its proxy password, report a failed test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk.bases.hook import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from agora.errors import AgoraError, SettingsError
from agora.forward_proxy import Proxy

if TYPE_CHECKING:
    from airflow.sdk import Connection


def stored_connection(conn_id: str, how_to_create: str) -> Connection:
    """Return a connection stored in Airflow.

    Args:
        conn_id: The connection's name.
        how_to_create: How to create the connection, for the error message, such as `with the type Postgres`.

    Raises:
        SettingsError: The connection does not exist, or Airflow cannot decrypt it. Airflow reports both in
            the same way.
    """
    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        raise SettingsError(
            f"There is no connection {conn_id} that Airflow can read. Create it under Admin, Connections,"
            f" {how_to_create}. If the connection exists, it is encrypted with another Fernet key. In that"
            " case, start Airflow with both keys.",
            conn_id=conn_id,
        ) from None


def hide_proxy(proxy: Proxy | None) -> None:
    """Mask the proxy's password in all later log lines."""
    for secret in proxy.secrets if proxy else ():
        mask_secret(secret)


def failed_test(error: AgoraError, conn_id: str) -> tuple[bool, str]:
    """Return the result of a failed connection test, without the connection's temporary name."""
    text = str(error).replace(f"The connection {conn_id}", "This connection")
    text = text.replace(f"the connection {conn_id}", "this connection")
    return False, text.replace(f"connection {conn_id}", "this connection")
