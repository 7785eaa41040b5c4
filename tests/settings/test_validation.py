"""Characters that no setting may contain, refused by name, and those that names in any language need."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agora.errors import SettingsError
from agora.settings.apps import parse_apps
from agora.settings.connections import parse_dashboard
from tests.settings.test_connections import SECRET, pushing_refusal, refusal

pytestmark = pytest.mark.unit

# Each of the characters that no setting may contain, with the part of the sentence that names it.
REFUSED = [
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
each_refused = pytest.mark.parametrize(
    ("character", "sentence"), REFUSED, ids=[f"{ord(character):04X}" for character, _ in REFUSED]
)


@each_refused
@pytest.mark.parametrize("field", ["name", "conn_id", "app_id", "collect_from", "collect_until"])
def test_an_unreadable_character_is_refused_by_field_and_app(
    field: str, character: str, sentence: str
) -> None:
    app = {"app_id": "a1", field: f"ab{character}cd"}
    for given in ([app], json.dumps([app])):
        with pytest.raises(SettingsError) as refused:
            parse_apps(given)
        place = "0.app_id" if field == "app_id" else f"0.{field} (app a1)"
        assert f"{place}: the text contains {sentence} at position 3" in str(refused.value)
        assert character not in str(refused.value)


@each_refused
@pytest.mark.parametrize(
    "field", ["customer_id", "customer_certificate", "base_url", "timezone", "window", "ca_file"]
)
def test_an_unreadable_character_is_refused_by_field_of_an_account(
    field: str, character: str, sentence: str
) -> None:
    said = refusal(**{field: f"{SECRET}{character}"})
    assert f"some_account is not usable: {field}: the text contains {sentence}" in said
    assert SECRET not in said


@each_refused
@pytest.mark.parametrize("field", ["app_id", "app_certificate", "base_url", "ca_file"])
def test_an_unreadable_character_is_refused_by_field_of_channels(
    field: str, character: str, sentence: str
) -> None:
    said = pushing_refusal(**{field: f"{SECRET}{character}"})
    assert f"some_channels is not usable: {field}: the text contains {sentence}" in said
    assert SECRET not in said


def test_an_unreadable_path_is_refused_too() -> None:
    assert "ca_file: the text contains a control character" in refusal(ca_file=Path("/etc/\x00"))


@each_refused
def test_a_name_of_a_connection_or_field_reaches_no_message_unescaped(character: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as of_connection:
        parse_dashboard(f"bad{character}", {"customer_id": "customer", "customer_certificate": SECRET})
    assert f"conn_id: the text contains {sentence}" in str(of_connection.value)
    with pytest.raises(SettingsError) as of_apps:
        parse_apps([{"app_id": "a1", f"na{character}me": "x"}])
    # pydantic cannot name a field whose name is no Unicode text.
    field = "0" if "surrogate" in sentence else f"0.na\\u{ord(character):04x}me"
    assert f"{field} (app a1): " in str(of_apps.value)
    assert character not in f"{of_connection.value} {of_apps.value}"


@pytest.mark.parametrize(
    "name",
    [
        "Klassenzimmer Süd",
        "Классы",
        "教室 一",
        "غرفة الصف",
        "می\u200cخواهم",  # a zero-width non-joiner, which Persian is written with
        "क्\u200dष",  # a zero-width joiner
        "כיתה \u200eA1\u200f",  # marks of direction
        "👩\u200d🏫 Lessons ☎️",
        "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "a\u00a0b\u3000c",
    ],
)
def test_a_name_is_written_in_any_language(name: str) -> None:
    app = {"app_id": "a1", "name": name, "conn_id": name}
    for given in ([app], json.dumps([app])):
        assert [(app.name, app.conn_id) for app in parse_apps(given)] == [(name, name)]
