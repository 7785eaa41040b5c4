"""Configured addresses: their parts, and which hosts mean this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit


def split_address(address: str) -> SplitResult | None:
    """Return the parts of an address, or None if no request to it is possible.

    The errors of `urlsplit` repeat what may be a password, so they end here.
    """
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").encode("idna").decode()
        is_usable = re.fullmatch(r"[\w.-]+|[\da-f:.]+(%[\w.-]+)?", host) and parts.port != 0
    except ValueError:
        return None
    return parts if is_usable else None


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
