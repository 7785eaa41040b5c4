"""What is fetched once and kept for the next run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def place(name: str) -> Path:
    """Return where something of that name is kept."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "agora-engine" / name


@contextmanager
def kept_as(path: Path) -> Iterator[Path]:
    """Yield a directory to work in, whose file `kept` then stands at the path, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=path.parent) as work:
        yield Path(work)
        (Path(work) / "kept").replace(path)
