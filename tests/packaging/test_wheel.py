"""The wheel contains the whole product, builds reproducibly, and accepts the locked dependencies."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib
from email import message_from_bytes
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

import agora
from tests.packaging.wheel import build
from tests.support.paths import ROOT

SOURCES = {"plugins/agora/": "agora/", "sql/": "agora/sql/", "dags/": "agora/dags/"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *SOURCES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def test_the_wheel_contains_the_package_its_sql_and_its_dags(wheel: Path) -> None:
    expected = {
        name.replace(source, target, 1)
        for name in tracked()
        for source, target in SOURCES.items()
        if name.startswith(source)
    }
    with ZipFile(wheel) as archive:
        packaged = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packaged == expected


def test_the_metadata_names_version_dependencies_and_entry_points(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    with ZipFile(wheel) as archive:
        folder = f"agora_bandwidth-{agora.__version__}.dist-info"
        metadata = message_from_bytes(archive.read(f"{folder}/METADATA"))
        entry_points = archive.read(f"{folder}/entry_points.txt").decode()
    assert metadata["Version"] == agora.__version__
    required = {Requirement(text) for text in metadata.get_all("Requires-Dist", [])}
    assert required == {Requirement(text) for text in project["dependencies"]}
    assert "[airflow.plugins]\nagora = agora.plugin:AgoraPlugin\n" in entry_points
    assert "[apache_airflow_provider]\nprovider_info = agora.get_provider_info:" in entry_points


def test_each_dependency_accepts_the_locked_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    locked = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalnum()]
    for dependency in map(Requirement, project["dependencies"]):
        versions = [next(iter(pin.specifier)).version for pin in locked if pin.name == dependency.name]
        assert versions, dependency
        assert all(dependency.specifier.contains(version) for version in versions), dependency


def test_another_checkout_builds_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for name in [*tracked(), "pyproject.toml", "LICENSE"]:
        copy = checkout / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
        os.utime(copy, (1e9, 1e9))
    assert build(checkout, tmp_path / "wheel").read_bytes() == wheel.read_bytes()
