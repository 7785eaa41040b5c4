"""The runbook has an entry for every error, and every pointer leads to an entry."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from agora.alerts.incident import RUN_FAILED
from agora.errors import RUNBOOK, AgoraError, see
from tests.support.paths import ROOT

TEXT = (ROOT / RUNBOOK).read_text("utf-8")
# An entry is a third-level heading. Its key is the anchor that GitHub generates.
ENTRIES = {
    re.sub(r"[^\w\s-]", "", heading.lower()).strip().replace(" ", "-"): body
    for heading, body in re.findall(r"^### (.+)\n((?:(?!^#).*\n)*)", TEXT, re.MULTILINE)
}
POINTER = re.compile(r"docs/runbook\.md#([\w-]+)")


def error_classes(kind: type[AgoraError] = AgoraError) -> Iterator[type[AgoraError]]:
    for child in kind.__subclasses__():
        yield child
        yield from error_classes(child)


def test_every_error_has_an_entry_and_every_entry_an_error() -> None:
    pointed_to = {entry for kind in error_classes() for entry in POINTER.findall(see([kind]))}
    assert len(pointed_to) >= 14
    assert pointed_to | {RUN_FAILED} == set(ENTRIES)


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if entry not in ("vendor-error", "warehouse-error")]
)
def test_each_entry_has_symptom_cause_and_remedy(entry: str) -> None:
    for part in ("- **What happened** ", "- **Cause** ", "- **What to do** "):
        assert part in ENTRIES[entry]


def test_every_pointer_in_code_and_documents_leads_to_an_entry() -> None:
    files = [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "dags").glob("*.py"), *(ROOT / "docs").rglob("*.md")]
    files += [ROOT / "README.md", *(ROOT / "sql").rglob("*.sql")]
    found = {entry for file in files for entry in POINTER.findall(file.read_text("utf-8"))}
    inside = set(re.findall(r"\]\(#([\w-]+)\)", TEXT))
    assert inside
    assert found | inside <= set(ENTRIES)


def test_no_entry_is_too_long_for_an_on_call_reader() -> None:
    assert max(len(body.splitlines()) for body in ENTRIES.values()) <= 25
