"""How tests are distributed to processes: those that share a server which starts slowly run in one."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

ROOMS = ("tests/distributed/engine/", "tests/distributed/")
STACK = "tests/stack/"
# Airflow mostly waits, so each of two processes starts a stack. These files take half of the time; the files
# that `make test` runs are among them, so that it starts one stack.
FIRST_STACK = ("test_a", "test_c", "test_policy")


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # it comes without types
    """Give each process whole rooms or files, in the order of collection."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False  # The number of tests in a file does not predict its duration.
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith(STACK):
            return STACK + str(file.removeprefix(STACK).startswith(FIRST_STACK))
        return next((room for room in ROOMS if file.startswith(room)), file)
