"""Forward proxy settings from a connection or from the environment."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from agora.errors import SettingsError
from agora.urls import is_loopback, split_address

FORM = "write http://host:port, or http://<user>:<password>@host:port with special characters percent-encoded"


@dataclass(frozen=True, slots=True)
class Proxy:
    """A forward proxy that is reached over plain HTTP.

    Attributes:
        name: Host and port, for messages. Airflow masks the complete URL everywhere.
        authorization: Value of `Proxy-Authorization`. Empty if the URL has no credentials.
        secrets: The password in every form in which it is sent or configured.
    """

    name: str
    authorization: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def arguments(self, url: str) -> dict[str, Any]:
        """Return the proxy arguments for an aiohttp request to `url`.

        For HTTPS, the CONNECT request carries the proxy's credentials. For plain HTTP, the request itself
        carries them.
        """
        credentials = {"Proxy-Authorization": self.authorization} if self.authorization else {}
        where = "proxy_headers" if urlsplit(url).scheme == "https" else "headers"
        return {"proxy": f"http://{self.name}", where: credentials}


def parse_proxy(address: object) -> Proxy:
    """Parse a proxy URL such as `http://<user>:<password>@host:3128`.

    Args:
        address: The URL. Values other than strings are rejected.

    Raises:
        ValueError: The URL is invalid. The message does not contain the URL.
    """
    parts = split_address(address) if isinstance(address, str) else None
    if parts is None or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"this is not a proxy URL: {FORM}")
    if parts.scheme != "http":
        raise ValueError(f"only proxies with an http:// URL are supported: {FORM}")
    host, port = (parts.hostname or "").encode("idna").decode(), parts.port or 80
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if parts.username is None:
        return Proxy(name)
    password = unquote(parts.password or "")
    token = base64.b64encode(f"{unquote(parts.username)}:{password}".encode()).decode()
    secrets = dict.fromkeys((password, parts.password or "", token))
    return Proxy(name, f"Basic {token}", tuple(filter(None, secrets)))


def proxy_for(url: str, configured: object) -> Proxy | None:
    """Return the proxy for requests to `url`, or None for a direct connection.

    The connection's proxy takes precedence over the environment's proxy.

    `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` are read in upper and lower case. `NO_PROXY` may
    contain networks such as `10.0.0.0/8`. Requests to this machine bypass the environment's
    proxy. `.netrc` files are not read.

    Args:
        url: Validated URL of the requests.
        configured: The connection's `proxy` field. None or empty if the field is not set.

    Raises:
        ValueError: `configured` is invalid.
        SettingsError: The environment's proxy is invalid.
    """
    if configured not in (None, ""):
        return parse_proxy(configured)
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    proxies = getproxies()
    if is_loopback(host) or proxy_bypass(f"{host}:{port}") or _is_direct(host, port, proxies.get("no", "")):
        return None
    name = parts.scheme if proxies.get(parts.scheme) else "all"
    address = proxies.get(name)
    if not address:
        return None
    try:
        return parse_proxy(address if "://" in address else f"http://{address}")
    except ValueError as error:
        raise SettingsError(f"The environment variable {name.upper()}_PROXY is not usable: {error}") from None


def _is_direct(host: str, port: int, no_proxy: str) -> bool:
    """Return whether NO_PROXY covers an IP address. `proxy_bypass` supports neither networks nor `[IPv6]`."""
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return any(_covers(entry.strip(), address, port) for entry in no_proxy.split(","))


def _covers(entry: str, address: IPv4Address | IPv6Address, port: int) -> bool:
    """Return whether a NO_PROXY entry covers an address and port.

    Example entries are `10.0.0.0/8`, `10.1.2.3:8443`, `fd00::/8` and `[fd00::1]:8443`.
    """
    network, only_port = entry, ""
    if entry.startswith("["):
        network, _, rest = entry[1:].partition("]")
        prefix, _, only_port = rest.partition(":")
        network += prefix
    elif entry.count(":") == 1:
        network, _, only_port = entry.partition(":")
    try:
        return address in ip_network(network, strict=False) and only_port in ("", f"{port}")
    except ValueError:
        return False
