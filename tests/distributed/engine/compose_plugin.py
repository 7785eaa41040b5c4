"""The compose plugin, out of Debian trixie's package: bookworm, where the tests run, has none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.distributed.engine import cache
from tests.support.environment import proxies

SUITE = "trixie"
PACKAGE = "docker-compose"
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
ARCHIVES = ("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Component: main")
PLUGIN = "usr/libexec/docker/cli-plugins/docker-compose"


class NoPluginError(Exception):
    """The plugin cannot be had."""


def install(directory: Path) -> None:
    """Put the plugin into a directory of plugins.

    Raises:
        NoPluginError: It cannot be fetched.
    """
    kept = cache.place(f"docker-compose-{SUITE}")
    if not kept.exists():
        _fetch(kept)
    directory.mkdir(parents=True)
    shutil.copy(kept, directory / "docker-compose")


def _fetch(kept: Path) -> None:
    """Fetch the package with directories of apt's of our own, so that the machine stays as it is."""
    with cache.kept_as(kept) as work:
        (work / "sources.list").write_text(f"deb [signed-by={KEYS}] {_archive()} {SUITE} main\n")
        (work / "lists" / "partial").mkdir(parents=True)
        (work / "archives" / "partial").mkdir(parents=True)
        options = [
            f"-oDir::Etc::SourceList={work}/sources.list",
            "-oDir::Etc::SourceParts=/dev/null",
            f"-oDir::State::Lists={work}/lists",
            f"-oDir::Cache={work}",
            "-oAPT::Sandbox::User=root",
        ]
        try:
            _run(work, "apt-get", *options, "update")
            _run(work, "apt-get", *options, "download", PACKAGE)
            _run(work, "dpkg-deb", "--extract", *(str(deb) for deb in work.glob("*.deb")), "package")
        except (OSError, subprocess.SubprocessError) as problem:
            raise NoPluginError(f"The compose plugin cannot be fetched: {problem}") from problem
        (work / "package" / PLUGIN).rename(work / "kept")


def _archive() -> str:
    """Return the archive that this machine has its packages from.

    Raises:
        NoPluginError: It has none.
    """
    answer = subprocess.run(ARCHIVES, capture_output=True, text=True, check=False)
    if answer.returncode or not answer.stdout.split():
        raise NoPluginError("The compose plugin cannot be fetched: apt has no archive of packages here.")
    return answer.stdout.split()[0]


def _run(work: Path, *command: str) -> None:
    subprocess.run(
        command,
        cwd=work,
        env={**os.environ, **proxies},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=300,
        check=True,
    )
