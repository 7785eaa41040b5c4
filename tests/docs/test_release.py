"""What a release is made of says the same everywhere, and what it claims is run by `make release-check`."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata

from packaging.version import Version

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


def test_the_version_stands_in_one_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    told = metadata("agora-bandwidth")
    assert project["dynamic"] == ["version"]
    assert (project["name"], project["description"], project["license"]) == (
        told["Name"],
        told["Summary"],
        told["License"],
    )
    assert get_provider_info()["versions"] == [this_release()] == [told["Version"]]


def test_every_release_has_its_changes_and_its_schema() -> None:
    releases = [release for release, date in ENTRIES if release != "Unreleased"]
    assert releases[0] == this_release()
    assert releases == sorted(releases, key=Version, reverse=True)
    recorded = ROOT / "tests" / "warehouse" / "released"
    assert {path.name for path in recorded.iterdir()} == {f"{release}.sql.gz" for release in releases}
    assert REVISIONS.keys() == set(releases)


def test_every_command_of_the_readme_is_run_or_excused() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", readme, re.MULTILINE))
    assert {"demo", "stop", "test", "lint", "chaos"} <= named
    assert named - RUN - NOT_RUN.keys() == set()
    assert NOT_RUN.keys() & RUN == set()
