"""Releases, and the schema revision of each."""

from __future__ import annotations

from agora import __version__, resources

SQL = resources.SQL
# A new release adds itself: docs/operations/release.md.
REVISIONS = {"0.1.0": "0001", "1.0.0": "0006"}


def this_release() -> str:
    """Return the installed release. Only `agora.__version__` states it."""
    return __version__


def describe(revision: str) -> str:
    """Name a revision and the releases that have it."""
    releases = [release for release, its_revision in REVISIONS.items() if its_revision == revision]
    return f"release {', '.join(releases)} (revision {revision})" if releases else f"revision {revision}"
