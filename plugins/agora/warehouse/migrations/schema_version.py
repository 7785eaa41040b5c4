"""Maps releases to schema revisions."""

from __future__ import annotations

from agora import __version__, resources

SQL = resources.SQL
# Each release adds an entry: docs/operations/release.md.
REVISIONS = {"0.1.0": "0001", "1.0.0": "0006"}


def this_release() -> str:
    """Return the installed release, which is defined in `agora.__version__`."""
    return __version__


def describe(revision: str) -> str:
    """Return a description of a revision, with the releases that use it."""
    releases = [release for release, its_revision in REVISIONS.items() if its_revision == revision]
    return f"release {', '.join(releases)} (revision {revision})" if releases else f"revision {revision}"
