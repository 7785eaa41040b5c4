"""List parameters of operators, given as lists or as the JSON text that a template renders."""

from __future__ import annotations

from typing import Any

import pytest

from agora.dag_support.params import as_list
from agora.errors import SettingsError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("empty", ["", "null", "[]", None, [], ()])
def test_an_empty_value_is_an_empty_list(empty: Any) -> None:
    assert as_list("urls", empty) == []


@pytest.mark.parametrize("value", ['["a", "b"]', ["a", "b"], ("a", "b")])
def test_a_list_or_its_json_text_is_accepted(value: Any) -> None:
    assert as_list("urls", value) == ["a", "b"]


@pytest.mark.parametrize("wrong", ["rtmp://a.example/1", '"abc"', '{"a": 1}', "1", "[1", {"a": 1}, 7])
def test_any_other_value_is_a_settings_error(wrong: Any) -> None:
    with pytest.raises(SettingsError, match="urls is neither a list nor the JSON text of a list"):
        as_list("urls", wrong)
