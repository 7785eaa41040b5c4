"""What the documents say must be there: links, commands, files."""

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
def test_every_link_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)", document.read_text())
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_named_in_code_marks_exists(document: Path) -> None:
    named = re.findall(
        r"`((?:sql|docs|plugins|dags|tests|sandbox|deploy|bin)/[\w./-]+)`", document.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    ("guide", "some"),
    [
        ("README.md", {"demo", "stop", "clean", "up", "test", "lint", "bench"}),
        ("CONTRIBUTING.md", {"test", "test-slow", "lint"}),
    ],
)
def test_every_make_command_of_a_guide_exists(guide: str, some: set[str]) -> None:
    commands = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / guide).read_text(), re.MULTILINE))
    assert some <= commands
    assert commands <= TARGETS


def test_what_contributors_are_told_to_run_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    paths = [
        path for value in re.findall(r'T="?([^"`\n]+)', text) for path in re.findall(r"tests/[\w./]+", value)
    ]
    programs = re.findall(r"\.venv/bin/python (\S+\.py)", text)
    modules = [f"{name.replace('.', '/')}.py" for name in re.findall(r"python -m (\S+)", text)]
    assert len(paths) > 4
    assert [path for path in (*paths, *programs, *modules) if not (ROOT / path).exists()] == []


def test_contributors_are_told_every_marker() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    configured = {line.partition(":")[0] for line in options["markers"]}
    told = re.findall(r"^\| `(\w+)` \|", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert set(told) == configured


def test_make_alone_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    described = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
    assert described == TARGETS


@pytest.mark.parametrize("listed", [*markers.SLOW, *markers.NOT_SLOW, *markers.LONGEST_FIRST])
def test_every_file_with_a_marker_of_its_own_exists(listed: str) -> None:
    assert any(str(path.relative_to(ROOT)).startswith(listed) for path in (ROOT / "tests").rglob("*.py"))
