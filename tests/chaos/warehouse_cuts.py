"""The connection to the warehouse is cut at random bytes of the loaded data.

`python -m tests.chaos.warehouse_cuts --cuts 200` on a throw-away PostgreSQL with full durability.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable

from sqlalchemy import Engine, make_url

from agora.bandwidth import fetch
from agora.warehouse.engine import warehouse_engine
from tests.chaos.warehouse_faults import Site, site
from tests.chaos.warehouse_line import Line


def cut_at_random(harmed: Site, chance: random.Random, cuts: int, report: Callable[[str], object]) -> int:
    """Cut the line in several runs, each into an empty warehouse that the next run completes.

    Args:
        harmed: The warehouse and its sandbox.
        chance: Random source for the positions of the cuts.
        cuts: Number of cuts.
        report: Receives progress lines.

    Returns:
        The total number of app-days in the warehouse after each cut.
    """
    server = harmed.warehouse.server
    with Line(server.host, server.port) as line:

        def engine() -> Engine:
            return warehouse_engine(make_url(harmed.warehouse.url("loader")).set(port=line.port))

        harmed.reset()
        harmed.run(engine())
        everything, acknowledged = line.sent, 0
        for number in range(cuts):
            harmed.reset()
            place = chance.randrange(everything)
            line.cut_after(place)
            message = harmed.fails(engine())
            line.cut_after(None)
            acknowledged += harmed.assert_nothing_is_lost()
            harmed.assert_the_next_run_closes_every_gap()
            report(f"{number + 1:4} of {cuts}: cut at byte {place:,} of {everything:,}: {message[:110]}")
    return acknowledged


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    fetch.CHUNK_SECONDS = 0.05  # many commits, so that cuts come between them
    with site() as harmed:
        acknowledged = cut_at_random(harmed, random.Random(chosen.seed), chosen.cuts, print)
    print(
        f"{chosen.cuts} cuts, seed {chosen.seed}: {acknowledged:,} app-days acknowledged before; none lost."
    )
    return 0


if __name__ == "__main__":
    sys.exit(_main())
