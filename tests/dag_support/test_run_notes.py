"""Task notes, and how they are joined into a run note."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from agora.dag_support.run_notes import CAUSES_KEY, NOTE_KEY, SUMMARY_KEY, join_notes, note, noting_errors
from agora.domain import Cause
from agora.errors import SettingsError, WarehouseError

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
