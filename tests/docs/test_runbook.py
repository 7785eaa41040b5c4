"""The runbook has an entry for every error, and every pointer leads to one."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from agora.alerts.incident import RUN_FAILED
from agora.errors import RUNBOOK, AgoraError, see
from tests.support.paths import ROOT

TEXT = (ROOT / RUNBOOK).read_text("utf-8")
# An entry is a heading of the third level, with the anchor that GitHub gives it.
ENTRIES = {
    re.sub(r"[^\w\s-]", "", heading.lower()).strip().replace(" ", "-"): body
    for heading, body in re.findall(r"^### (.+)\n((?:(?!^#).*\n)*)", TEXT, re.MULTILINE)
}
POINTER = re.compile(r"docs/runbook\.md#([\w-]+)")


def tree(kind: type[AgoraError] = AgoraError) -> Iterator[type[AgoraError]]:
    for child in kind.__subclasses__():
        yield child
        yield from tree(child)


def test_every_error_has_an_entry_and_every_entry_an_error() -> None:
    pointed_to = {entry for kind in tree() for entry in POINTER.findall(see([kind]))}
    assert len(pointed_to) >= 14
    assert pointed_to | {RUN_FAILED} == set(ENTRIES)


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry not in ("vendor-error", "warehouse-error")]
)
def test_an_entry_has_what_one_needs_at_night(entry: str) -> None:
    for part in ("- **What happened** ", "- **Cause** ", "- **What to do** "):
        assert part in ENTRIES[entry]


def test_every_pointer_of_code_and_documents_leads_to_an_entry() -> None:
    files = [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "dags").glob("*.py"), *(ROOT / "docs").rglob("*.md")]
    files += [ROOT / "README.md", *(ROOT / "sql").rglob("*.sql")]
    found = {entry for file in files for entry in POINTER.findall(file.read_text("utf-8"))}
    inside = set(re.findall(r"\]\(#([\w-]+)\)", TEXT))
    assert inside
    assert found | inside <= set(ENTRIES)


def test_an_on_call_person_can_read_it() -> None:
    assert max(len(body.splitlines()) for body in ENTRIES.values()) <= 25
