"""Where the page hangs in Airflow. Every task imports this file, the page itself is imported when used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf

PREFIX = "/agora/bandwidth"
Asgi = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]


async def page(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Answer as the page's app does (ASGI)."""
    await _app()(scope, receive, send)


@cache
def _app() -> Asgi:
    from agora.web.app import create_app
    from agora.web.headers import with_headers

    return with_headers(create_app())


def _href(path: str) -> str:
    """Return a path of the page, for an Airflow that may itself lie below a path."""
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
    # A tab of every DAG, as Airflow has no tabs of some: on a DAG of somebody else's it says so.
    {
        "name": "Bandwidth",
        "href": _href("/?dag={DAG_ID}"),
        "destination": "dag",
        "url_route": "bandwidth_of_dag",
    },
]
