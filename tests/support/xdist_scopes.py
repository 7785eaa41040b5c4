"""Distribute tests to processes: tests that share a server with a slow start run in the same process."""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

SHARED_FOLDERS = ("tests/distributed/engine/", "tests/distributed/")
STACK = "tests/stack/"
# A stack mostly waits, so two processes each start one. The files below take half of the time. They include
# all stack tests of `make test`, which therefore starts only one stack.
FIRST_STACK = ("test_a", "test_c", "test_policy")


class SharedServerScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no type hints
    """Assign whole folders or files to each process, in collection order."""

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        config.option.loadscopereorder = False  # The number of tests in a file does not predict its duration.
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.startswith(STACK):
            return STACK + str(file.removeprefix(STACK).startswith(FIRST_STACK))
        return next((folder for folder in SHARED_FOLDERS if file.startswith(folder)), file)
