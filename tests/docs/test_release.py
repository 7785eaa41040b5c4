"""The parts of a release agree, and `make release-check` runs the commands that the README names."""

from __future__ import annotations

import re
from importlib.metadata import metadata
from pkgutil import resolve_name

from packaging.version import Version

import agora
from agora.get_provider_info import get_provider_info
from agora.warehouse.migrations.schema_version import REVISIONS, this_release
from tests.support.paths import ROOT

CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
ENTRIES = re.findall(r"^## \[(\S+)\](?: - (\d{4}-\d\d-\d\d))?$", CHANGELOG, re.MULTILINE)
# `make release-check` starts with the tests, like .ci/run.
RUN = {
    target
    for path in ("bin/release-check", ".ci/run", "Makefile")
    for command in re.findall(
        r"^\s*(?:make|@\$\(MAKE\)|test-rest:) ([^|\n]*)", (ROOT / path).read_text("utf-8"), re.MULTILINE
    )
    for target in re.findall(r"(?<!\S)[a-z][a-z-]*", command)
}
# README commands that `make release-check` does not run, with the reason.
NOT_RUN = {
    "up": "needs a vendor account",
    "bench": "only measures",
    "secrets": "tests/distributed runs it",
    "release-check": "runs the others",
}


def test_the_installed_package_is_this_release() -> None:
    installed = metadata("agora-bandwidth")
    assert get_provider_info()["package-name"] == installed["Name"]
    assert (
        get_provider_info()["versions"] == [this_release()] == [agora.__version__] == [installed["Version"]]
    )
    assert installed["Summary"] == (agora.__doc__ or "").strip()


def test_every_release_has_a_changelog_entry_and_a_recorded_schema() -> None:
    releases = [release for release, date in ENTRIES if release != "Unreleased"]
    assert releases[0] == this_release()
    assert releases == sorted(releases, key=Version, reverse=True)
    recorded = ROOT / "tests" / "warehouse" / "released"
    assert {path.name for path in recorded.iterdir()} == {f"{release}.sql.gz" for release in releases}
    assert REVISIONS.keys() == set(releases)


def test_every_import_path_in_the_changelog_exists() -> None:
    names = re.findall(r"^  \| `agora\..*?\| `(agora\.[\w.]+)`", CHANGELOG, re.MULTILINE)
    assert len(names) > 3
    assert all(resolve_name(name) for name in names)


def test_every_command_in_the_readme_is_run_or_excused() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", readme, re.MULTILINE))
    assert {"demo", "stop", "test", "lint", "chaos"} <= named
    assert named - RUN - NOT_RUN.keys() == set()
    assert NOT_RUN.keys() & RUN == set()
