"""Builds the wheel, and installs it where nothing else of this project is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.environment import proxies
from tests.support.paths import ROOT

UV = Path(sys.executable).with_name("uv")
# As the Makefile sets it, for an index behind a proxy with a certificate of its own.
WAY_OUT = {"UV_SYSTEM_CERTS": "1"}


def uv(*arguments: str | Path, cwd: Path = ROOT) -> None:
    """Run uv, and fail with its message."""
    environment = {**os.environ, **proxies, **WAY_OUT}
    done = subprocess.run(
        [UV, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def build(source: Path, directory: Path) -> Path:
    """Build the wheel of a checkout as `make wheel` does."""
    constraints = ROOT / "requirements" / "install.txt"
    uv("build", "--wheel", "--build-constraints", constraints, "--out-dir", directory, cwd=source)
    (wheel,) = directory.glob("*.whl")
    return wheel


def install(wheel: Path, environment: Path) -> Path:
    """Install the wheel into a virtual environment of its own, and return that environment's `bin`.

    The locked requirements are those of the environment that runs the tests, linked one by one: its own
    installation of this project must not be seen.
    """
    uv("venv", "--quiet", "--python", sys.executable, environment)
    here, there = (_site_packages(each) for each in (Path(sys.prefix), environment))
    for path in here.iterdir():
        if "agora" in path.name or (there / path.name).exists():
            continue
        if path.suffix == ".dist-info":  # uv takes no link for an installed package
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
