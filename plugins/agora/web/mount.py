"""Mounts the page in Airflow. Every task imports this module, so it imports the app only when needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf

PREFIX = "/agora/bandwidth"
Asgi = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]


async def page(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Forward an ASGI request to the page's app."""
    await _app()(scope, receive, send)


@cache
def _app() -> Asgi:
    from agora.web.app import create_app
    from agora.web.static_files import with_security_headers

    return with_security_headers(create_app())


def _href(path: str) -> str:
    """Return the URL path of a part of the page, including the path of Airflow's base URL."""
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/") + PREFIX + path


FASTAPI_APPS = [{"app": page, "url_prefix": PREFIX, "name": "Bandwidth"}]
EXTERNAL_VIEWS = [
    {
        "name": "Bandwidth",
        "href": _href("/"),
        "icon": _href("/assets/frame/icon.svg"),
        "icon_dark_mode": _href("/assets/frame/icon_dark.svg"),
        "destination": "nav",
        "nav_top_level": True,
        "url_route": "bandwidth",
    },
    # There is no tab on DAGs, because Airflow 3.3 shows a plugin's tab on every DAG of the installation.
]
