"""Serve the page in an app with its own synchronous route, like Airflow's api-server. Argument: the port."""

from __future__ import annotations

import sys

import uvicorn
from airflow.api_fastapi.core_api.security import get_user
from fastapi import FastAPI

from agora.web.app import create_app
from agora.web.mount import PREFIX
from agora.web.permissions import require_read
from agora.web.static_files import with_security_headers


class UserWithoutRights:
    """A user without rights."""

    def get_name(self) -> str:
        return "ada"


def api_server() -> FastAPI:
    page = create_app()
    page.dependency_overrides = {require_read: lambda: None, get_user: UserWithoutRights}

    @page.get("/api/broken")
    def broken() -> None:
        raise ZeroDivisionError

    server = FastAPI()

    @server.get("/api/v2/version")
    def version() -> str:
        return "3.3.2"

    server.mount(PREFIX, with_security_headers(page))
    return server


if __name__ == "__main__":
    uvicorn.run(api_server(), host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
