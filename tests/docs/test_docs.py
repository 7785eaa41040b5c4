"""What the documents say must be there: links, commands, files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.paths import ROOT

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
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


def test_every_make_command_of_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text()
    commands = set(re.findall(r"`make ([a-z-]+)`", text)) | set(
        re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)
    )
    assert {"demo", "stop", "clean", "up", "test", "lint", "bench"} <= commands
    assert commands <= TARGETS


def test_make_alone_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    described = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))
    assert described == TARGETS
