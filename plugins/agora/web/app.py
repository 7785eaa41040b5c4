"""The page Bandwidth and its JSON routes, every one behind Airflow's login (docs/page.md lists them)."""

from __future__ import annotations

from fastapi import Depends, FastAPI, HTTPException, Request

from agora.errors import AgoraError
from agora.web import bill, coverage, files, health, rights, traffic
from agora.web.access import may_look
from agora.web.answer import explain

VERBS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def create_app() -> FastAPI:
    """Return the app that Airflow's api-server mounts."""
    # The right to look is asked for on the whole app, so that no route can be without; the descriptions of
    # itself that FastAPI would serve have no such door.
    app = FastAPI(
        title="Bandwidth", dependencies=[Depends(may_look)], docs_url=None, redoc_url=None, openapi_url=None
    )
    for routes in (files, rights, coverage, traffic, bill, health):
        app.include_router(routes.router)
    # What is not there, or not with this verb, is said to those alone who may look.
    app.add_api_route("/{path:path}", _nothing_here, methods=VERBS)
    app.add_exception_handler(AgoraError, explain)
    return app


def _nothing_here(request: Request) -> None:
    raise HTTPException(404, f"There is nothing here that answers {request.method}: see docs/page.md.")
