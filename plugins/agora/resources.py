"""Finds the folders that ship with the package: `sql` and `dags`."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent


def _shipped(folder: str) -> Path:
    """Return a folder: inside the package as the wheel has it, or at the root of a checkout."""
    installed = PACKAGE / folder
    return installed if installed.is_dir() else PACKAGE.parents[1] / folder


SQL = _shipped("sql")
DAGS = _shipped("dags")
