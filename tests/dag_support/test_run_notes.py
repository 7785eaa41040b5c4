"""What a task notes when it ends with an error of ours."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from agora.dag_support.run_notes import NOTE_KEY, noting_errors
from agora.errors import SettingsError, WarehouseError

pytestmark = pytest.mark.unit


class Notes(dict[str, str]):
    """Takes what a task pushes."""

    def xcom_push(self, key: str, value: str) -> None:
        self[key] = value


@pytest.fixture
def notes() -> Notes:
    return Notes()


def context(notes: Notes) -> Any:
    return {"ti": notes}


def test_a_wrong_setting_is_noted_and_not_tried_again(notes: Notes) -> None:
    with pytest.raises(AirflowFailException, match=r"Mend this\."), noting_errors(context(notes)):
        raise SettingsError("Mend this.")
    assert notes == {NOTE_KEY: "Mend this. See docs/runbook.md#settings-error"}


def test_a_warehouse_that_is_away_is_noted_and_tried_again(notes: Notes) -> None:
    with pytest.raises(WarehouseError), noting_errors(context(notes)):
        raise WarehouseError("It is away.")
    assert notes == {NOTE_KEY: "It is away. See docs/runbook.md#warehouse-error"}


def test_a_fault_of_our_own_is_left_to_the_log(notes: Notes) -> None:
    with pytest.raises(ZeroDivisionError), noting_errors(context(notes)):
        raise ZeroDivisionError
    assert notes == {}
