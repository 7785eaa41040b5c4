"""Task notes, and how they are joined into a run note."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from agora.dag_support.run_notes import (
    CAUSES_KEY,
    NOTE_KEY,
    SUMMARY_KEY,
    join_notes,
    link_runbook,
    note,
    noting_errors,
)
from agora.domain import Cause
from agora.errors import SelectionInvalid, SettingsError, WarehouseError
from agora.listeners import _write

pytestmark = pytest.mark.unit


class Notes(dict[str, Any]):
    """A task's XComs."""

    def xcom_push(self, key: str, value: Any) -> None:
        self[key] = value


@pytest.fixture
def notes() -> Notes:
    return Notes()


def context(notes: Notes) -> Any:
    return {"ti": notes}


def test_a_settings_error_is_noted_and_not_retried(notes: Notes) -> None:
    with pytest.raises(AirflowFailException, match=r"Fix this\."), noting_errors(context(notes)):
        raise SettingsError("Fix this.", conn_id="some_account")
    assert notes == {
        NOTE_KEY: "Fix this. See docs/runbook.md#settings-error",
        CAUSES_KEY: [Cause("SettingsError", "some_account")],
    }


def test_an_invalid_selection_is_noted_and_skipped_without_a_cause(notes: Notes) -> None:
    with pytest.raises(AirflowSkipException), noting_errors(context(notes)):
        raise SelectionInvalid("Swap the dates.")
    assert notes == {
        NOTE_KEY: "Skipped, nothing requested: Swap the dates. See docs/runbook.md#selection-invalid"
    }


def test_a_warehouse_error_is_noted_and_retried(notes: Notes) -> None:
    with pytest.raises(WarehouseError), noting_errors(context(notes)):
        raise WarehouseError("It is unreachable.")
    assert notes == {
        NOTE_KEY: "It is unreachable. See docs/runbook.md#warehouse-error",
        CAUSES_KEY: [Cause("WarehouseError")],
    }


def test_an_internal_error_is_not_noted(notes: Notes) -> None:
    with pytest.raises(ZeroDivisionError), noting_errors(context(notes)):
        raise ZeroDivisionError
    assert notes == {}


def test_a_note_without_causes_has_only_text(notes: Notes) -> None:
    note(context(notes), "Nothing is missing.")
    assert notes == {NOTE_KEY: "Nothing is missing."}


def test_a_summary_replaces_the_other_notes(notes: Notes) -> None:
    causes = [Cause("UnknownApp"), Cause("DayRefused"), Cause("UnknownApp")]
    note(context(notes), "2 apps failed.", causes, is_summary=True)
    assert notes == {SUMMARY_KEY: "2 apps failed.", CAUSES_KEY: [Cause("DayRefused"), Cause("UnknownApp")]}
    assert join_notes([None, "2 apps failed."], ["1 app failed.", None]) == "2 apps failed."


def test_without_a_summary_each_line_of_the_notes_appears_once() -> None:
    same = "The warehouse is unreachable."
    assert join_notes([None], [same, None, f"Requesting 3 app-days.\n{same}"]) == (
        f"{same}\nRequesting 3 app-days."
    )
    assert join_notes([], []) == ""


def test_references_to_the_runbook_are_links_if_the_documents_are_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "Fix this. See docs/runbook.md#settings-error, docs/runbook.md#unknown-app"
    assert link_runbook(text) == text
    monkeypatch.setenv("AIRFLOW__AGORA__DOCS_URL", "https://docs.example.com/agora/")
    assert link_runbook(text) == (
        "Fix this. See [docs/runbook.md#settings-error](https://docs.example.com/agora/runbook.md#settings-error),"
        " [docs/runbook.md#unknown-app](https://docs.example.com/agora/runbook.md#unknown-app)"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "Result: All is well."),
        ("seen by me", "Result: All is well.\n\nseen by me"),
        (
            "Result: 2 apps failed.\n- a: HTTP 500\n\nseen by me\n\ntwice",
            "Result: All is well.\n\nseen by me\n\ntwice",
        ),
        ("seen by me\nResult: 2 apps failed.", "Result: All is well.\n\nseen by me"),
    ],
)
def test_the_outcome_is_the_first_line_and_a_users_text_is_kept(before: str | None, after: str) -> None:
    run: Any = SimpleNamespace(note=before)
    _write(run, ["All is well."])
    assert run.note == after


def test_a_long_outcome_is_cut_before_a_users_text() -> None:
    run: Any = SimpleNamespace(note="seen by me")
    _write(run, ["x" * 2000])
    assert (len(run.note), run.note[-12:]) == (1000, "\n\nseen by me")
    run = SimpleNamespace(note="y" * 1000)
    _write(run, ["All is well."])
    assert run.note == "y" * 1000
