"""Releases and the schema of each: which release this is, and what people call a revision."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

SQL = Path(__file__).resolve().parents[3] / "sql"
FIRST_LINE = "-- The schema of release {release}, revision {revision}; written by pg_dump, never run."
NAMED = re.compile(FIRST_LINE.partition(";")[0].format(release=r"(\S+)", revision=r"(\w+)"))


def this_release() -> str:
    """Return this release, which stands in the package's metadata and nowhere else."""
    return version("agora-bandwidth")


def revision_of(release: str) -> str:
    """Return the revision of a release; what is no release passes for a revision."""
    return _revisions().get(release, release)


def is_another(release: str) -> bool:
    """Return whether this is a release, and not this one."""
    return release in _revisions() and release != this_release()


def named(revision: str) -> str:
    """Return what to call a revision."""
    releases = [release for release, its in _revisions().items() if its == revision]
    return f"release {', '.join(releases)} (revision {revision})" if releases else f"revision {revision}"


def _revisions() -> dict[str, str]:
    """Return every release with its revision, as the first lines of `sql/releases` say."""
    texts = (path.read_text("utf-8") for path in sorted((SQL / "releases").glob("*.sql")))
    return {found[1]: found[2] for text in texts if (found := NAMED.match(text))}
