"""The page Bandwidth and its JSON routes, every one behind Airflow's login (docs/page.md lists them)."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from agora.errors import AgoraError
from agora.web import bill, coverage, health, restatement_review, rights, static_files, traffic
from agora.web.permissions import may_look, nothing_here
from agora.web.responses import explain


def create_app() -> FastAPI:
    """Return the app that Airflow's api-server mounts."""
    # The right to look is asked for on the whole app, so that no route can be without; the descriptions of
    # itself that FastAPI would serve have no such door.
    app = FastAPI(
        title="Bandwidth",
        dependencies=[Depends(may_look)],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    for routes in (static_files, rights, coverage, traffic, bill, health, restatement_review):
        app.include_router(routes.router)
    for status in (404, 405):
        app.add_exception_handler(status, nothing_here)
    app.add_exception_handler(AgoraError, explain)
    return app
