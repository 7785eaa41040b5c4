"""Build the wheel, and install it into an environment without the checkout's own installation."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.environment import proxies
from tests.support.paths import ROOT

UV = Path(sys.executable).with_name("uv")
# Also set by the Makefile, for a package index behind a proxy with its own certificate.
SYSTEM_CERTIFICATES = {"UV_SYSTEM_CERTS": "1"}


def uv(*arguments: str | Path, cwd: Path = ROOT) -> None:
    """Run uv, and fail with its message."""
    environment = {**os.environ, **proxies, **SYSTEM_CERTIFICATES}
    done = subprocess.run(
        [UV, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def build(source: Path, directory: Path) -> Path:
    """Build a checkout's wheel like `make wheel`."""
    constraints = ROOT / "requirements" / "install.txt"
    uv("build", "--wheel", "--build-constraints", constraints, "--out-dir", directory, cwd=source)
    (wheel,) = directory.glob("*.whl")
    return wheel


def install(wheel: Path, environment: Path) -> Path:
    """Install the wheel into a new virtual environment and return the environment's `bin` folder.

    The locked requirements are linked one by one from the environment that runs the tests, except for that
    environment's installation of this project.
    """
    uv("venv", "--quiet", "--python", sys.executable, environment)
    here, there = (_site_packages(each) for each in (Path(sys.prefix), environment))
    for path in here.iterdir():
        if "agora" in path.name or (there / path.name).exists():
            continue
        if path.suffix == ".dist-info":  # uv does not accept a link as an installed package
            shutil.copytree(path, there / path.name)
        else:
            (there / path.name).symlink_to(path)
    python = environment / "bin" / "python"
    uv("pip", "install", "--python", python, "--offline", "--no-deps", wheel)
    uv("pip", "check", "--python", python)
    return python.parent


def _site_packages(environment: Path) -> Path:
    (found,) = environment.glob("lib/python3*/site-packages")
    return found
