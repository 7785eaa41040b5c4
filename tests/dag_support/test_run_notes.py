"""The notes of tasks, and how they become the note of a run."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from agora.dag_support.run_notes import CAUSES_KEY, NOTE_KEY, SUMMARY_KEY, join_notes, note, noting_errors
from agora.domain import Cause
from agora.errors import SettingsError, WarehouseError

pytestmark = pytest.mark.unit


class Notes(dict[str, Any]):
    """The XComs of a task."""

    def xcom_push(self, key: str, value: Any) -> None:
        self[key] = value


@pytest.fixture
def notes() -> Notes:
    return Notes()


def context(notes: Notes) -> Any:
    return {"ti": notes}


def test_a_wrong_setting_is_noted_and_not_tried_again(notes: Notes) -> None:
    with pytest.raises(AirflowFailException, match=r"Fix this\."), noting_errors(context(notes)):
        raise SettingsError("Fix this.", conn_id="some_account")
    assert notes == {
        NOTE_KEY: "Fix this. See docs/runbook.md#settings-error",
        CAUSES_KEY: [Cause("SettingsError", "some_account")],
    }


def test_a_warehouse_that_is_away_is_noted_and_tried_again(notes: Notes) -> None:
    with pytest.raises(WarehouseError), noting_errors(context(notes)):
        raise WarehouseError("It is away.")
    assert notes == {
        NOTE_KEY: "It is away. See docs/runbook.md#warehouse-error",
        CAUSES_KEY: [Cause("WarehouseError")],
    }


def test_a_fault_of_our_own_is_left_to_the_log(notes: Notes) -> None:
    with pytest.raises(ZeroDivisionError), noting_errors(context(notes)):
        raise ZeroDivisionError
    assert notes == {}


def test_a_note_without_causes_is_only_a_text(notes: Notes) -> None:
    note(context(notes), "Nothing is missing.")
    assert notes == {NOTE_KEY: "Nothing is missing."}


def test_a_summary_replaces_the_notes_that_it_contains(notes: Notes) -> None:
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
