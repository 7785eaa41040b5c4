"""The fault examples: each is valid, every kind has one, and OpenAPI document and reference show all."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from markupsafe import escape

from sandbox.faults.base import field_names
from sandbox.faults.examples import EXAMPLES
from sandbox.faults.kinds import KINDS
from sandbox.faults.script import read_script
from sandbox.openapi.document import describe
from sandbox.openapi.faults import SELECTION
from sandbox.traffic.apps import seeded_apps
from tests.support.sandbox_server import RunningSandbox

FAULT_SCHEMA = describe()["components"]["schemas"]["Fault"]


@pytest.mark.parametrize("entry", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_is_valid(entry: dict[str, Any]) -> None:
    assert len(read_script([entry], seeded_apps(7, 3))) == 1
    jsonschema.validate(entry, FAULT_SCHEMA, jsonschema.Draft202012Validator)


def test_every_kind_and_every_selecting_field_has_an_example() -> None:
    assert {entry["kind"] for entry in EXAMPLES.values()} == set(KINDS)
    assert {name for entry in EXAMPLES.values() for name in entry} >= set(SELECTION)


def test_the_openapi_document_describes_every_kind() -> None:
    assert FAULT_SCHEMA["properties"]["kind"]["enum"] == list(KINDS)
    for name, kind in KINDS.items():
        assert f"{name} ({', '.join(field_names(kind)) or 'no fields'}): " in FAULT_SCHEMA["description"]
    assert FAULT_SCHEMA["properties"]["rate"]["exclusiveMinimum"] == 0
    assert FAULT_SCHEMA["examples"] == list(EXAMPLES.values())


def test_the_reference_shows_every_kind_field_and_example(sandbox: RunningSandbox) -> None:
    page = sandbox.request("GET", "/reference").body.decode()
    for name in [*KINDS, *SELECTION]:
        assert f"<td><code>{name}</code></td>" in page
    for purpose, entry in EXAMPLES.items():
        assert f"<td>{escape(purpose)}</td>" in page
        assert f"<code>{escape(json.dumps(entry, ensure_ascii=False))}</code>" in page
