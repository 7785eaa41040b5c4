"""Serves the page in an app with a synchronous route of its own, as Airflow's api-server has: `PORT`."""

from __future__ import annotations

import sys

import uvicorn
from airflow.api_fastapi.core_api.security import get_user
from fastapi import FastAPI

from agora.web.app import create_app
from agora.web.headers import with_headers
from agora.web.mount import PREFIX
from agora.web.permissions import may_look


class Somebody:
    """A user without rights."""

    def get_name(self) -> str:
        return "ada"


def api_server() -> FastAPI:
    page = create_app()
    page.dependency_overrides = {may_look: lambda: None, get_user: Somebody}

    @page.get("/api/broken")
    def broken() -> None:
        raise ZeroDivisionError

    server = FastAPI()

    @server.get("/api/v2/version")
    def version() -> str:
        return "3.3.2"

    server.mount(PREFIX, with_headers(page))
    return server


if __name__ == "__main__":
    uvicorn.run(api_server(), host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
