"""Characters that no setting may contain, and characters that names in various languages need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agora.errors import SettingsError
from agora.settings.apps import parse_apps
from agora.settings.connections import parse_dashboard
from tests.settings.test_connections import SECRET, push_stream_refusal, refusal

pytestmark = pytest.mark.unit

# The forbidden characters, each with the part of the error that names it.
FORBIDDEN = [
    ("\x00", "a control character: remove U+0000"),
    ("\n", "a control character: remove U+000A"),
    ("\t", "a control character: remove U+0009"),
    ("\x7f", "a control character: remove U+007F"),
    ("\x85", "a control character: remove U+0085"),
    ("\ud800", "half of a surrogate pair: remove U+D800"),
    ("\udfff", "half of a surrogate pair: remove U+DFFF"),
    ("\u2028", "a line or paragraph separator: remove U+2028"),
    ("\u2029", "a line or paragraph separator: remove U+2029"),
    ("\u202e", "an override of the text direction: remove U+202E"),
    ("\u2066", "an override of the text direction: remove U+2066"),
]
each_forbidden = pytest.mark.parametrize(
    ("character", "sentence"), FORBIDDEN, ids=[f"{ord(character):04X}" for character, _ in FORBIDDEN]
)


@each_forbidden
@pytest.mark.parametrize("field", ["name", "conn_id", "app_id", "collect_from", "collect_until"])
def test_the_error_for_a_forbidden_character_names_field_and_app(
    field: str, character: str, sentence: str
) -> None:
    app = {"app_id": "a1", field: f"ab{character}cd"}
    for given in ([app], json.dumps([app])):
        with pytest.raises(SettingsError) as refused:
            parse_apps(given)
        place = "0.app_id" if field == "app_id" else f"0.{field} (app a1)"
        assert f"{place}: the text contains {sentence} at position 3" in str(refused.value)
        assert character not in str(refused.value)


@each_forbidden
@pytest.mark.parametrize(
    "field", ["customer_id", "customer_certificate", "base_url", "timezone", "window", "ca_file"]
)
def test_the_error_for_a_forbidden_character_names_the_account_field(
    field: str, character: str, sentence: str
) -> None:
    text = refusal(**{field: f"{SECRET}{character}"})
    assert f"some_account is not usable: {field}: the text contains {sentence}" in text
    assert SECRET not in text


@each_forbidden
@pytest.mark.parametrize("field", ["app_id", "app_certificate", "base_url", "ca_file"])
def test_the_error_for_a_forbidden_character_names_the_push_stream_field(
    field: str, character: str, sentence: str
) -> None:
    text = push_stream_refusal(**{field: f"{SECRET}{character}"})
    assert f"some_channels is not usable: {field}: the text contains {sentence}" in text
    assert SECRET not in text


def test_a_path_with_a_forbidden_character_is_refused() -> None:
    assert "ca_file: the text contains a control character" in refusal(ca_file=Path("/etc/\x00"))


@each_forbidden
def test_errors_escape_the_names_of_connections_and_fields(character: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as connection_error:
        parse_dashboard(f"bad{character}", {"customer_id": "customer", "customer_certificate": SECRET})
    assert f"conn_id: the text contains {sentence}" in str(connection_error.value)
    with pytest.raises(SettingsError) as apps_error:
        parse_apps([{"app_id": "a1", f"na{character}me": "x"}])
    # pydantic cannot name a field whose name is not valid Unicode.
    field = "0" if "surrogate" in sentence else f"0.na\\u{ord(character):04x}me"
    assert f"{field} (app a1): " in str(apps_error.value)
    assert character not in f"{connection_error.value} {apps_error.value}"


@pytest.mark.parametrize(
    "name",
    [
        "Klassenzimmer Süd",
        "Классы",
        "教室 一",
        "غرفة الصف",
        "می\u200cخواهم",  # a zero-width non-joiner, used in Persian
        "क्\u200dष",  # a zero-width joiner
        "כיתה \u200eA1\u200f",  # direction marks
        "👩\u200d🏫 Lessons ☎️",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "a\u00a0b\u3000c",
    ],
)
def test_a_name_may_be_in_any_language(name: str) -> None:
    app = {"app_id": "a1", "name": name, "conn_id": name}
    for given in ([app], json.dumps([app])):
        assert [(app.name, app.conn_id) for app in parse_apps(given)] == [(name, name)]
