"""The model finds deliberate breaks of the rules, which shows that it can detect violations.

These breaks take a few nights each. `make model` covers all breaks.
"""

from __future__ import annotations

import pytest

from deploy.local.postgres_throwaway import Throwaway
from tests.model.breaks import BREAKS
from tests.model.play import find

QUICK = ("a 401 stops the account", "a response that lacks points removes them", "attempts are not counted")


@pytest.mark.parametrize("name", QUICK)
def test_the_model_finds_a_break(name: str, postgres: Throwaway, warehouse_template: str) -> None:
    (broken,) = (one for one in BREAKS if one.name == name)
    assert find(broken, postgres, warehouse_template)
