"""Plays scenarios, each in its own warehouse."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from deploy.local.postgres_throwaway import Throwaway
from tests.model.breaks import Break
from tests.model.check import Violation
from tests.model.vendor import Luck, Scenario
from tests.model.world import BEHAVIOURS, World
from tests.warehouse.database import Warehouse

BROKEN_SCENARIOS = 5  # a break must be found within this number


def scenario_of(seed: int) -> Scenario:
    """Return a seed's scenario. Most have half of the behaviours, some have all."""
    luck = Luck(seed)
    share = (0.5, 0.5, 0.8, 1.0)[luck.below(4, "share")]
    behaviours = frozenset(name for name in BEHAVIOURS if luck.number("has", name) < share)
    window = ("7 days", "10 days", "10 days", "14 days", "1 month")[luck.below(5, "window")]
    return Scenario(seed, 40 + luck.below(80, "nights"), 3 + luck.below(5, "apps"), window, behaviours)


def play(scenario: Scenario, server: Throwaway, template: str, broken: Break | None = None) -> None:
    """Play a scenario in its own warehouse.

    Args:
        scenario: The scenario.
        server: PostgreSQL.
        template: Name of a migrated, empty warehouse.
        broken: The break to apply before, if any.

    Raises:
        Violation: A rule was broken.
    """
    with fresh(server, template) as warehouse, asyncio.Runner() as runner:
        world = World(scenario, warehouse, runner)
        if broken is None:
            world.play()
            return
        with broken.broken(warehouse):
            world.play()


def find(broken: Break, server: Throwaway, template: str) -> str:
    """Return the first line of the violation caused by a break, or an empty string if none is found.

    Raises:
        Violation: The same nights break a rule without the break.
    """
    for seed in range(1, BROKEN_SCENARIOS + 1):
        scenario = broken.scenario(seed)
        try:
            play(scenario, server, template, broken)
        except Violation as violation:
            first = str(violation).partition("\n")[0]
            nights = int(first.removeprefix("night ").partition(":")[0]) + 1
            play(replace(scenario, nights=nights), server, template)
            return first
    return ""


@contextmanager
def fresh(server: Throwaway, template: str) -> Iterator[Warehouse]:
    """Yield an empty warehouse."""
    name = f"warehouse_{uuid.uuid4().hex}"
    server.create_database(name, template=template)
    try:
        yield Warehouse(server, name)
    finally:
        server.drop_database(name)
