"""FastAPI app for the Bandwidth page. docs/page.md lists its routes. Each route requires an Airflow login."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from agora.errors import AgoraError
from agora.web import day_history, overview, permissions, routes, static_files, trend
from agora.web.responses import unavailable


def create_app() -> FastAPI:
    """Return the app that Airflow's api-server mounts."""
    # The whole app requires the right to read, so no route can omit the check. FastAPI's own documentation
    # routes would bypass the check, so they are disabled.
    app = FastAPI(
        title="Bandwidth",
        dependencies=[Depends(permissions.require_read)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    for module in (static_files, permissions, routes, overview, day_history, trend):
        app.include_router(module.router)
    for status in (404, 405):
        app.add_exception_handler(status, permissions.not_found)
    app.add_exception_handler(AgoraError, unavailable)
    return app
