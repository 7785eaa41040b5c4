"""Hides the password of a forward proxy from Airflow's logs."""

from __future__ import annotations

from airflow.sdk.log import mask_secret

from agora.forward_proxy import Proxy


def hide_proxy(proxy: Proxy | None) -> None:
    """Hide the proxy's password from every log from here on."""
    for secret in proxy.secrets if proxy else ():
        mask_secret(secret)
