"""A run is refused if its conf has a key that is not a parameter of the DAG."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from agora.dag_support.params import refuse_unknown_keys
from agora.errors import SettingsError

pytestmark = pytest.mark.unit


def refuse(conf: Any, *params: str) -> None:
    dag = SimpleNamespace(dag_id="agora_example", params=dict.fromkeys(params))
    context: Any = {
        "dag": dag,
        "dag_run": SimpleNamespace(conf=conf),
        "task": SimpleNamespace(params=dag.params),
    }
    refuse_unknown_keys(context)


@pytest.mark.parametrize("conf", [None, {}, {"action": "query"}, {"app_ids": None, "action": "apply"}])
def test_any_subset_of_the_parameters_is_accepted(conf: Any) -> None:
    refuse(conf, "action", "app_ids")


def test_the_key_that_airflow_adds_to_triggered_runs_is_accepted() -> None:
    refuse({"action": "query", "openlineage": {"parentRunId": "…"}}, "action")


@pytest.mark.parametrize(
    ("conf", "params", "message"),
    [
        (
            {"action": "apply", "app_id": ["…"]},
            ("action", "app_ids"),
            "agora_example does not accept the parameter app_id; its parameters are action, app_ids."
            " Nothing was requested.",
        ),
        (
            {"to": 1, "From_date": 2, "reload": True},
            ("reload", "from_date"),
            "agora_example does not accept the parameters From_date, to; its parameters are from_date,"
            " reload. Nothing was requested.",
        ),
        (
            {"from_date": "2026-11-01"},
            (),
            "agora_example does not accept the parameter from_date; it has no parameters."
            " Nothing was requested.",
        ),
        (["action"], ("action",), "The conf of agora_example must be a JSON object. Nothing was requested."),
    ],
)
def test_an_unknown_key_is_named_with_the_known_ones(
    conf: Any, params: tuple[str, ...], message: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        refuse(conf, *params)
    assert str(raised.value).startswith(message)
