"""Parse configured URLs, and detect hosts that refer to this machine."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit


def split_address(address: str) -> SplitResult | None:
    """Return the parts of a URL, or None if the URL cannot be used for a request.

    Errors from `urlsplit` may contain a password, so they are not passed on.
    """
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").encode("idna").decode()
        is_usable = re.fullmatch(r"[\w.-]+|[\da-f:.]+(%[\w.-]+)?", host) and parts.port != 0
    except ValueError:
        return None
    return parts if is_usable else None


def is_loopback(host: str) -> bool:
    """Return whether a host name or IP address refers to this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
