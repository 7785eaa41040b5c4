"""Which tests share something that takes a while to start, and so run in one process of several."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

# The longest first. What lies in none of them goes by file: a file fills its warehouse once.
ROOMS = ("tests/distributed/engine/", "tests/distributed/", "tests/stack/")


class Sharing(LoadScopeScheduling):  # type: ignore[misc]  # it comes without types
    """Gives each process whole rooms or files."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((room for room in ROOMS if file.startswith(room)), file)
