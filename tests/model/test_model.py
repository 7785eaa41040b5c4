"""A few hundred simulated nights against the rules; `make model` plays thousands."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deploy.local.postgres_throwaway import Throwaway
from tests.model.play import play
from tests.model.vendor import Scenario
from tests.model.world import BEHAVIOURS

# Fewer behaviours, nights and apps are simpler, so a failure is reported with the smallest scenario.
SCENARIOS = st.builds(
    Scenario,
    seed=st.integers(0, 10**6),
    nights=st.integers(5, 20),
    apps=st.integers(1, 6),
    window=st.sampled_from(["7 days", "10 days", "1 month"]),
    behaviours=st.frozensets(st.sampled_from(BEHAVIOURS), min_size=3),
)


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(scenario=SCENARIOS)
def test_no_night_breaks_a_rule(scenario: Scenario, postgres: Throwaway, warehouse_template: str) -> None:
    play(scenario, postgres, warehouse_template)


@pytest.mark.parametrize(("seed", "window"), [(1, "10 days"), (2, "7 days"), (3, "1 month")])
def test_no_night_breaks_a_rule_with_every_behaviour_at_once(
    seed: int, window: str, postgres: Throwaway, warehouse_template: str
) -> None:
    scenario = Scenario(seed, nights=25, apps=6, window=window, behaviours=frozenset(BEHAVIOURS))
    play(scenario, postgres, warehouse_template)
