"""Serve the page's files and plotly's chart library, and add security headers to every response."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

router = APIRouter()
PAGE = Path(__file__).parent / "page"
INDEX = "index.html"
SECURITY_HEADERS = {
    # Only styles may be inline, because Plotly.js adds styles to the document. Plotly.js draws a chart's PNG
    # from a blob, which only the page's own scripts can create. Airflow shows the page in a frame from the
    # same origin.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
}
_static = StaticFiles(directory=PAGE)


@router.get("/")
def page(request: Request) -> Response:
    """Return the page's HTML."""
    return _file_response(PAGE / INDEX, request)


@router.get("/assets/{path:path}")
def asset(path: str, request: Request) -> Response:
    """Return a script, a style sheet or an icon."""
    if path not in _assets():
        raise HTTPException(404, f"The page has no file {path}.")
    return _file_response(_assets()[path], request)


def _file_response(path: Path, request: Request) -> Response:
    # With no-cache, the browser revalidates its copy each time and gets 304 if the file is unchanged.
    response = _static.file_response(path, path.stat(), request.scope)
    response.headers["Cache-Control"] = "no-cache"
    return response


@cache
def _assets() -> dict[str, Path]:
    plotly = Path(str(files("plotly"))) / "package_data" / "plotly.min.js"
    own = (path for path in PAGE.rglob("*") if path.is_file() and path.name != INDEX)
    return {plotly.name: plotly, **{path.relative_to(PAGE).as_posix(): path for path in own}}


def with_security_headers(app: ASGIApp) -> ASGIApp:
    """Return an app that adds the security headers to every response, including unexpected errors."""

    async def protected(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY_HEADERS)
            await send(message)

        await app(scope, receive, send_with_headers)

    return protected
