"""The line to the warehouse is cut at random bytes of what is loaded.

`python -m tests.chaos.warehouse_cuts --cuts 200` on a throw-away PostgreSQL that is as durable as a real one.
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


def cut_at_random(harmed: Site, chance: random.Random, cuts: int, say: Callable[[str], object]) -> int:
    """Cut the line in so many runs, each into an empty warehouse; after each the next run completes it.

    Args:
        harmed: A warehouse and its sandbox.
        chance: Draws where it is cut.
        cuts: How often.
        say: Takes a line of progress.

    Returns:
        How many app-days were in the warehouse after the cuts, added up.
    """
    server = harmed.warehouse.server
    with Line(server.host, server.port) as line:

        def engine() -> Engine:
            return warehouse_engine(make_url(harmed.warehouse.url("loader")).set(port=line.port))

        harmed.forget()
        harmed.run(engine())
        everything, before_the_cuts = line.sent, 0
        for number in range(cuts):
            harmed.forget()
            place = chance.randrange(everything)
            line.cut_after(place)
            message = harmed.fails(engine())
            line.cut_after(None)
            before_the_cuts += harmed.assert_nothing_is_lost()
            harmed.assert_the_next_run_closes_every_gap()
            say(f"{number + 1:4} of {cuts}: cut at byte {place:,} of {everything:,}: {message[:110]}")
    return before_the_cuts


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    fetch.CHUNK_SECONDS = 0.05  # many commits, so that cuts come between them
    with site() as harmed:
        kept = cut_at_random(harmed, random.Random(chosen.seed), chosen.cuts, print)
    print(
        f"{chosen.cuts} cuts, seed {chosen.seed}: {kept:,} app-days were acknowledged before; none was lost."
    )
    return 0


if __name__ == "__main__":
    sys.exit(_main())
