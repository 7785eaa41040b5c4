"""What a release is made of says the same everywhere, and what it claims is run by `make release-check`."""

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
# `make release-check` begins with the tests, as .ci/run does.
RUN = {
    target
    for path in ("bin/release-check", ".ci/run", "Makefile")
    for command in re.findall(
        r"^\s*(?:make|@\$\(MAKE\)) ([^|\n]*)", (ROOT / path).read_text("utf-8"), re.MULTILINE
    )
    for target in re.findall(r"(?<!\S)[a-z][a-z-]*", command)
}
# Commands of the README that it does not run itself, and why.
NOT_RUN = {
    "up": "needs an account of the vendor's",
    "bench": "measures, and claims nothing",
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


def test_every_release_has_its_changes_and_its_schema() -> None:
    releases = [release for release, date in ENTRIES if release != "Unreleased"]
    assert releases[0] == this_release()
    assert releases == sorted(releases, key=Version, reverse=True)
    recorded = ROOT / "tests" / "warehouse" / "released"
    assert {path.name for path in recorded.iterdir()} == {f"{release}.sql.gz" for release in releases}
    assert REVISIONS.keys() == set(releases)


def test_each_import_path_that_the_changelog_names_exists() -> None:
    names = re.findall(r"^  \| `agora\..*?\| `(agora\.[\w.]+)`", CHANGELOG, re.MULTILINE)
    assert len(names) > 3
    assert all(resolve_name(name) for name in names)


def test_every_command_of_the_readme_is_run_or_excused() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", readme, re.MULTILINE))
    assert {"demo", "stop", "test", "lint", "chaos"} <= named
    assert named - RUN - NOT_RUN.keys() == set()
    assert NOT_RUN.keys() & RUN == set()
