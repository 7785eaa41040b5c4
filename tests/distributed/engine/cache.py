"""A cache for files that later test runs reuse."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def path_of(name: str) -> Path:
    """Return the path of a cached file."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "agora-engine" / name


@contextmanager
def stored_at(path: Path) -> Iterator[Path]:
    """Yield a working directory, and move its file `result` to the path atomically at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=path.parent) as work:
        yield Path(work)
        (Path(work) / "result").replace(path)
