"""Lists as operators are given them, and as templates make JSON of them."""

from __future__ import annotations

from typing import Any

import pytest

from agora.dag_support.params import as_list
from agora.errors import SettingsError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("empty", ["", "null", "[]", None, [], ()])
def test_nothing_is_an_empty_list(empty: Any) -> None:
    assert as_list("urls", empty) == []


@pytest.mark.parametrize("given", ['["a", "b"]', ["a", "b"], ("a", "b")])
def test_a_list_or_the_json_of_one(given: Any) -> None:
    assert as_list("urls", given) == ["a", "b"]


@pytest.mark.parametrize("wrong", ["rtmp://a.example/1", '"abc"', '{"a": 1}', "1", "[1", {"a": 1}, 7])
def test_anything_else_is_a_wrong_setting(wrong: Any) -> None:
    with pytest.raises(SettingsError, match="urls is neither a list nor the JSON text of a list"):
        as_list("urls", wrong)
