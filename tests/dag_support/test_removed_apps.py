"""The planning task's notes about apps that left the configuration."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agora.dag_support import removed_apps
from agora.warehouse.apps import RemovedApps

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)


def removed(count: int, before: int) -> RemovedApps:
    return RemovedApps([(f"id{number}", f"app-{number}") for number in range(count)], before)


@pytest.mark.parametrize(
    ("count", "before", "are_many"),
    [(0, 0, False), (0, 20, False), (4, 20, False), (5, 20, True), (1, 5, False), (1, 4, True), (1, 1, True)],
)
def test_more_than_a_fifth_of_the_apps_are_many(count: int, before: int, are_many: bool) -> None:
    assert removed_apps.are_many(removed(count, before)) is are_many


def test_a_note_names_each_removed_app() -> None:
    assert removed_apps.note(RemovedApps([], 20)) == ""
    text = removed_apps.note(RemovedApps([("id0", "classroom"), ("id1", "id1")], 20))
    assert text.startswith("2 of 20 apps were removed from the variable agora_apps. Their ")
    assert text.endswith("\n- Removed: classroom, id1.")
    assert removed_apps.note(removed(1, 20)).startswith(
        "1 of 20 apps were removed from the variable agora_apps. Its "
    )


def test_a_long_note_names_only_the_first_apps() -> None:
    text = removed_apps.note(removed(1000, 1000))
    assert text.endswith("app-19, and 980 more, see mart.app.")
    assert "app-20" not in text


def test_the_failing_batch_names_the_apps_and_the_remedy() -> None:
    batch = removed_apps.failing_batch(removed(2, 5), NOW)
    assert batch.app_days() == []
    assert all(line in batch.unusable for line in removed_apps.note(removed(2, 5)).splitlines())
    assert "If you removed them on purpose, do nothing" in batch.unusable
    assert "See docs/runbook.md#apps-removed" in batch.unusable
