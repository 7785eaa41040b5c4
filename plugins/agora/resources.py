"""Paths of the resource folders that ship with the package: `sql` and `dags`."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent


def _shipped(folder: str) -> Path:
    """Return the path of a resource folder.

    The folder is inside the package if installed from a wheel, otherwise at the root of the checkout.
    """
    installed = PACKAGE / folder
    return installed if installed.is_dir() else PACKAGE.parents[1] / folder


SQL = _shipped("sql")
DAGS = _shipped("dags")
