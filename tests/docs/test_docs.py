"""The links, commands and files that the documents name exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.support import markers
from tests.support.paths import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_target_exists(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_named_in_backticks_exists(document: Path) -> None:
    named = re.findall(
        r"`((?:sql|docs|plugins|dags|tests|sandbox|deploy|bin)/[\w./-]+)`", document.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("guide", "expected"),
    [
        ("README.md", {"demo", "stop", "clean", "up", "test", "lint", "bench"}),
        ("CONTRIBUTING.md", {"test", "test-slow", "lint"}),
    ],
)
def test_every_make_command_in_a_guide_exists(guide: str, expected: set[str]) -> None:
    commands = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / guide).read_text(), re.MULTILINE))
    assert expected <= commands
    assert commands <= TARGETS


def test_every_command_for_contributors_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    paths = [
        path for value in re.findall(r'T="?([^"`\n]+)', text) for path in re.findall(r"tests/[\w./]+", value)
    ]
    programs = re.findall(r"\.venv/bin/python (\S+\.py)", text)
    modules = [f"{name.replace('.', '/')}.py" for name in re.findall(r"python -m (\S+)", text)]
    assert len(paths) > 4
    assert [path for path in (*paths, *programs, *modules) if not (ROOT / path).exists()] == []


def test_the_contributing_guide_lists_every_marker() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    configured = {line.partition(":")[0] for line in options["markers"]}
    documented = re.findall(r"^\| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert set(documented) == configured


def test_make_without_a_target_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    described = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
    assert described == TARGETS


@pytest.mark.parametrize("listed", [*markers.SLOW, *markers.NOT_SLOW, *markers.LONGEST_FIRST])
def test_every_path_in_the_marker_lists_exists(listed: str) -> None:
    assert any(str(path.relative_to(ROOT)).startswith(listed) for path in (ROOT / "tests").rglob("*.py"))
