"""Docker's compose plugin, from a package of Debian trixie: bookworm, on which the tests run, has none."""

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
    """The plugin is not available."""


def install(directory: Path) -> None:
    """Install the plugin in a plugin directory.

    Raises:
        NoPluginError: The plugin cannot be downloaded.
    """
    cached = cache.path_of(f"docker-compose-{SUITE}")
    if not cached.exists():
        _fetch(cached)
    directory.mkdir(parents=True)
    shutil.copy(cached, directory / "docker-compose")


def _fetch(cached: Path) -> None:
    """Download the package with separate apt directories, so that the machine is not changed."""
    with cache.stored_at(cached) as work:
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
            raise NoPluginError(f"The compose plugin cannot be downloaded: {problem}") from problem
        (work / "package" / PLUGIN).rename(work / "result")


def _archive() -> str:
    """Return the archive from which this machine gets its packages.

    Raises:
        NoPluginError: apt has no package archive.
    """
    listing = subprocess.run(ARCHIVES, capture_output=True, text=True, check=False)
    if listing.returncode or not listing.stdout.split():
        raise NoPluginError("The compose plugin cannot be downloaded: apt has no package archive here.")
    return listing.stdout.split()[0]


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
