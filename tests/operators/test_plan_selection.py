"""The selection of a trigger form, as the planning task reads it."""

from __future__ import annotations

from datetime import date

import pytest

from agora.bandwidth.plan import Days
from agora.operators.plan import BandwidthPlanOperator
from agora.settings.apps import AppSettings

pytestmark = pytest.mark.unit

CONFIGURED = {
    "agora_dashboard": [AppSettings(app_id="a1", name="Classroom")],
    "other": [AppSettings(app_id="b2", name="Support")],
}


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({}, None),
        ({"app_ids": "[]", "reload": "False"}, None),
        ({"reload": "True"}, Days(reload=True)),
        ({"app_ids": '["support"]'}, Days(app_ids=("b2",))),
        (
            {"from_date": "2026-11-01", "app_ids": '["A1", "SUPPORT"]'},
            Days(date(2026, 11, 1), None, ("a1", "b2")),
        ),
        ({"to_date": "2026-11-01"}, Days(None, date(2026, 11, 1))),
    ],
)
def test_empty_fields_are_not_a_selection(fields: dict[str, str], days: Days | None) -> None:
    assert BandwidthPlanOperator(task_id="plan", **fields)._days(CONFIGURED) == days
