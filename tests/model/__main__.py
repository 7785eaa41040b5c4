"""`make model`: checks thousands of simulated nights against the rules, then breaks rules deliberately."""

from __future__ import annotations

import argparse
import secrets
import sys
import time

from agora.warehouse.migrations.migrate import migrate
from deploy.local.postgres_throwaway import Throwaway, throwaway
from tests.model.breaks import BREAKS
from tests.model.check import Violation
from tests.model.play import find, play, scenario_of
from tests.support.environment import clear_caller_environment

TEMPLATE = "model_template"
NIGHTS = 10_000


def main() -> int:
    """Play the nights and the breaks; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--nights", type=int, default=NIGHTS, help=f"total number, default {NIGHTS:,}")
    parser.add_argument("--seed", type=int, help="seed of the first scenario; random by default")
    parser.add_argument("--one", action="store_true", help="play only the seed's scenario")
    arguments = parser.parse_args()
    clear_caller_environment()
    seed = secrets.randbelow(10**6) if arguments.seed is None else arguments.seed
    print(f"Seed {seed} (SEED={seed} plays the same nights again).", flush=True)
    with throwaway() as server:
        server.create_database(TEMPLATE)
        migrate(server.url("owner", TEMPLATE))
        if not _play(seed, arguments.nights, server, is_alone=arguments.one):
            return 1
        return 0 if arguments.one or _break(server) else 1


def _play(seed: int, most: int, server: Throwaway, *, is_alone: bool) -> bool:
    began, nights, scenarios = time.monotonic(), 0, 0
    while nights < most and not (is_alone and scenarios):
        scenario = scenario_of(seed + scenarios)
        try:
            play(scenario, server, TEMPLATE)
        except Violation as violation:
            print(f"Violation after {nights:,} nights, {violation}")
            print(f"To repeat it: python -m tests.model --one --seed {scenario.seed}")
            return False
        nights, scenarios = nights + scenario.nights, scenarios + 1
        if scenarios % 10 == 0:
            print(f"  {nights:,} nights, {time.monotonic() - began:,.0f} s", flush=True)
    print(f"{nights:,} nights in {scenarios:,} scenarios, no violation, {time.monotonic() - began:,.0f} s.")
    return True


def _break(server: Throwaway) -> bool:
    missed = 0
    for broken in BREAKS:
        began = time.monotonic()
        found = find(broken, server, TEMPLATE)
        missed += not found
        print(f"  {broken.name}: {found or 'NOT FOUND'} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{len(BREAKS) - missed} of {len(BREAKS)} deliberate breaks found.")
    return not missed


if __name__ == "__main__":
    sys.exit(main())
