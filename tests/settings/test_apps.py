"""The `agora_apps` variable: accepted lists, and errors that name the field and the app."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from agora.errors import SelectionInvalid, SettingsError
from agora.settings.apps import canonical_app_id, find_apps, parse_apps

pytestmark = pytest.mark.unit


def test_a_list_of_ids_is_accepted() -> None:
    apps = parse_apps('["a1", "b2"]')
    assert [(app.app_id, app.name, app.conn_id) for app in apps] == [
        ("a1", "", "agora_dashboard"),
        ("b2", "", "agora_dashboard"),
    ]


def test_a_list_of_objects_and_ids_is_accepted() -> None:
    value = [
        "a1",
        {
            "app_id": "b2",
            "name": "Классы",
            "conn_id": "other",
            "collect_from": "2026-01-01",
            "collect_until": "2026-01-31",
        },
    ]
    for given in (value, json.dumps(value)):
        bare, full = parse_apps(given)
        assert bare.app_id == "a1"
        assert (full.name, full.conn_id) == ("Классы", "other")
        assert (full.collect_from, full.collect_until) == (date(2026, 1, 1), date(2026, 1, 31))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("", "Expecting value"),
        ("not json", "Expecting value"),
        ("null", "valid list"),
        ('"a1"', "valid list"),
        ('{"app_id": "a1"}', "valid list"),
        ("[]", "agora_apps is empty"),
        ("[1]", "0"),
        ("[null]", "0"),
        ('[""]', "0.app_id"),
        ('["a b"]', "0.app_id"),
        ('["a/../b"]', "0.app_id"),
        ('["a1\\n"]', "0.app_id"),
        ('["ä1"]', "0.app_id"),
        (f'["{"a" * 65}"]', "0.app_id"),
        ("[{}]", "0.app_id"),
        ('[{"app_id": "a1", "nmae": "x"}]', "0.nmae"),
        ('[{"app_id": "a1", "conn_id": ""}]', "0.conn_id"),
        ('["a1", {"app_id": "a1"}]', "a1 twice"),
        ('[{"app_id": "a1", "collect_from": "yesterday"}]', "0.collect_from"),
        ('[{"app_id": "a1", "collect_from": "20260101"}]', "0.collect_from"),
        ('[{"app_id": "a1", "collect_from": "2026-02-30"}]', "0.collect_from"),
        ('[{"app_id": "a1", "collect_until": "2026-13-01"}]', "0.collect_until"),
        (
            '[{"app_id": "a1", "collect_from": "2026-02-01", "collect_until": "2026-01-01"}]',
            "collect_from 2026-02-01 is after collect_until 2026-01-01",
        ),
    ],
)
def test_the_error_for_an_invalid_list_names_the_variable(value: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match="agora_apps") as refused:
        parse_apps(value)
    assert sentence in str(refused.value)


def test_an_app_id_has_one_spelling() -> None:
    apps = parse_apps(["970CA35DE60C44645BBAE8A215061B33", {"app_id": "Sandbox_App-1"}])
    assert [app.app_id for app in apps] == ["970ca35de60c44645bbae8a215061b33", "sandbox_app-1"]
    assert [canonical_app_id(app.app_id) for app in apps] == [app.app_id for app in apps]
    assert canonical_app_id("Sandbox_App-1") == "sandbox_app-1"


@pytest.mark.parametrize("text", ["\u212a1", "İ1", "Ä1"])
def test_a_letter_outside_ascii_does_not_become_an_app_id(text: str) -> None:
    assert canonical_app_id(text) == text
    with pytest.raises(SettingsError, match=r"0\.app_id"):
        parse_apps([text])


@pytest.mark.parametrize("value", [["a1", "A1"], [{"app_id": "aB"}, "b", {"app_id": "Ab", "name": "other"}]])
def test_app_ids_that_differ_only_in_case_are_one_app(value: list[Any]) -> None:
    with pytest.raises(SettingsError, match=r"contains a[1b] twice. .* differ only in case are the same app"):
        parse_apps(value)


KNOWN = [("a1", "Classroom"), ("b2", "support"), ("c3", "Support"), ("d4", "d4")]


@pytest.mark.parametrize(
    ("chosen", "app_ids"),
    [
        ([], []),
        (["A1"], ["a1"]),
        (["classroom", " Classroom "], ["a1"]),
        (["B2", "CLASSROOM", "d4"], ["b2", "a1", "d4"]),
    ],
)
def test_apps_are_chosen_by_app_id_or_name(chosen: list[str], app_ids: list[str]) -> None:
    assert find_apps(chosen, KNOWN) == app_ids


def test_an_app_id_takes_precedence_over_another_apps_name() -> None:
    assert find_apps(["a1"], [("a1", "one"), ("b2", "a1")]) == ["a1"]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [(["a1", "nobody", "e5"], "nobody, e5"), (["Class"], "Class"), (["support"], "support: b2, c3")],
)
def test_unknown_and_ambiguous_apps_are_refused(chosen: list[str], message: str) -> None:
    with pytest.raises(SelectionInvalid, match=message):
        find_apps(chosen, KNOWN)
