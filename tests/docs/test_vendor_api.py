"""docs/vendor_api.md covers every section of the vendor's documents, and each row names existing tests."""

from __future__ import annotations

import ast
import re
from itertools import chain
from pathlib import Path

import pytest

from agora.settings.connections import DEFAULT_BASE_URL, PUSH_STREAM_BASE_URL
from tests.support.paths import ROOT

DOCUMENTS = ROOT.parent / "shared" / "reference"
PAGE = (ROOT / "docs" / "vendor_api.md").read_text("utf-8")
CHAPTERS = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", PAGE, re.MULTILINE))
POINTER = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")

DASHBOARD = [
    "认证",
    "接入点",
    "申请开通旁路推流功能",
    "查询是否成功开通旁路推流功能",
    "查询厂商带宽功能",
    "错误代码和警告代码",
]
CALL = ["URL", "Query Parameters", "Format", "Example"]
PUSH_STREAM = {
    "Introduction": [],
    "Authorization": [],
    "Note": [],
    "Enum Definition": [],
    "Footnotes": [],
    "Start Pushing Stream(POST)": [
        *CALL,
        "Success Callback: Push Stream Started",
        "Error Callback: Failed to Push Stream",
    ],
    "Update Push-Stream Information(PUT)": [
        *CALL,
        "Success Callback: Push-Stream Information Updated",
        "Error Callback: Failed to Update Push-Stream Information",
    ],
    "Stop Pushing Stream(DELETE)": [
        *CALL,
        "Success Callback: Push-Stream Stopped",
        "Error Callback: Failed to Stop Pushing Stream",
    ],
}


def sections(chapter: str) -> dict[str, str]:
    return dict(re.findall(r"^### (.+)\n((?:(?!### ).*\n)*)", CHAPTERS[chapter], re.MULTILINE))


def rows() -> list[str]:
    """Return the table rows about the vendor's API."""
    bodies = [body for title, body in CHAPTERS.items() if title != "Run the contract suite"]
    lines = [line for body in bodies for line in body.splitlines() if line.startswith("|")]
    return [line for line in lines if not line.startswith(("|---", "| item |"))]


def functions_in(file: Path) -> set[str]:
    nodes = ast.walk(ast.parse(file.read_text("utf-8")))
    return {
        node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_row_names_a_test() -> None:
    assert len(rows()) > 80
    assert [row for row in rows() if not POINTER.search(row.rsplit(" | ", 1)[1])] == []


def test_every_named_test_exists() -> None:
    assert PAGE.count("::") == len(POINTER.findall(PAGE)), "each citation has the form `tests/….py::test_…`"
    named = set(POINTER.findall(PAGE))
    assert {(file, test) for file, test in named if test not in functions_in(ROOT / file)} == set()


def test_every_contract_test_is_named() -> None:
    files = (ROOT / "tests" / "contract").glob("test_*.py")
    defined = {(str(file.relative_to(ROOT)), test) for file in files for test in functions_in(file)}
    assert defined - set(POINTER.findall(PAGE)) == set()


def test_every_named_module_exists() -> None:
    named = set(re.findall(r"`((?:\w+/)?\w+\.py)`", PAGE))
    assert {"settings/connections.py", "client/push_stream.py"} <= named
    assert [name for name in named if not (ROOT / "plugins" / "agora" / name).exists()] == []


def test_every_section_of_the_vendors_documents_has_a_table() -> None:
    translated = [title.partition(" (")[0] for title in sections("Dashboard RESTful API")]
    assert translated == DASHBOARD
    chapter = "Bypass Live Push-Stream RESTful API"
    introduction, *others = PUSH_STREAM
    assert f"The {introduction} section " in CHAPTERS[chapter]
    assert list(sections(chapter)) == others
    for title, body in sections(chapter).items():
        assert [part for part in PUSH_STREAM[title] if part not in body] == []


@pytest.mark.skipif(not DOCUMENTS.exists(), reason="The vendor's documents are not next to the checkout.")
def test_the_sections_match_the_vendors_documents() -> None:
    dashboard = (DOCUMENTS / "dashboard_restful_api.md").read_text("utf-8")
    titles = re.findall(r"^## (.+)$", dashboard, re.MULTILINE)
    assert [re.split(r" *[(（]", title)[0] for title in titles] == DASHBOARD
    # The other document has no markup. A heading is a separate line that is not a sentence, code or status.
    text = (DOCUMENTS / "bypass_push_stream_api.md").read_text("utf-8")
    title, *headings = re.findall(
        r"(?:\A|(?<=\n\n))([A-Z](?!ode: )[\w ,:()-]*[\w)])(?=\n\n)", text.lstrip() + "\n"
    )
    assert title in CHAPTERS
    assert [heading for heading in headings if heading in PUSH_STREAM] == list(PUSH_STREAM)
    assert set(headings) - set(PUSH_STREAM) == set(chain.from_iterable(PUSH_STREAM.values()))


def test_the_documented_addresses_are_the_defaults() -> None:
    assert f"`{DEFAULT_BASE_URL}`" in sections("Dashboard RESTful API")["接入点 (access)"]
    start = sections("Bypass Live Push-Stream RESTful API")["Start Pushing Stream(POST)"]
    assert f"`{PUSH_STREAM_BASE_URL}/channel`" in start
