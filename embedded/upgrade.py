"""`make upgrade`: the warehouse that AGORA_WAREHOUSE_OWNER_URL names or, without it, the local stack's."""

from __future__ import annotations

import os
import sys

from agora.warehouse import migrate
from embedded import postgres
from embedded.errors import StackError
from embedded.settings import Settings
from embedded.stack import existing


def main(release: str = "") -> str | None:
    """Migrate; return what went wrong."""
    if not os.environ.get("AGORA_WAREHOUSE_OWNER_URL"):
        try:
            os.environ["AGORA_WAREHOUSE_OWNER_URL"] = _of_local_stack()
        except StackError as error:
            return f"AGORA_WAREHOUSE_OWNER_URL names no warehouse, so the local stack's was meant. {error}"
    return migrate.main(release)


def _of_local_stack() -> str:
    postgres.forget_the_callers_server()
    settings = Settings.from_environment()
    stack = existing(settings)
    if postgres.of_stack(settings).server_pid() is None:
        raise StackError(
            f"It is not up: `make {stack.mode}` starts it, and brings its schema up to date by itself."
        )
    return postgres.url("owner", stack.secrets.postgres["owner"], settings.pg_port, "warehouse")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
