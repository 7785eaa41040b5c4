"""From a thousand apps to a million: the nights of accounts with the vendor and the clock simulated."""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass

from agora.bandwidth.plan import COLLECTING_SECONDS
from embedded.settings import ROOT
from tests.bench.documents import rewrite
from tests.bench.simulated_account import Account, Night, Vendor

DOCUMENT = ROOT / "docs" / "scaling.md"
REQUESTS_PER_APP = 2  # a night: yesterday, and a day that has settled since
SHARE_OF_RATE = 0.9  # of what the vendor allows, for nights of one 429 more than usual
NIGHTS_BEFORE = 6
NIGHTS_DOWN = 7
MOST_NIGHTS_AFTER = 40
CONFIGURED_PER_SECOND = 10.0


@dataclass(frozen=True)
class Case:
    """So many apps at a vendor that allows each account so many requests a second."""

    apps: int
    per_second: float

    @property
    def accounts(self) -> int:
        """The least accounts whose nightly requests fit into a run."""
        nightly = min(self.per_second, CONFIGURED_PER_SECOND) * SHARE_OF_RATE * COLLECTING_SECONDS
        return max(1, math.ceil(self.apps * REQUESTS_PER_APP / nightly))


CASES = [Case(apps, rate) for apps in (1_000, 10_000, 100_000, 1_000_000) for rate in (10.0, 5.0)]


@dataclass
class Result:
    """What became of one account of a case."""

    case: Case
    usual: Night
    first: Night
    nights_to_catch_up: int
    lost: int
    seconds: float
    peak_bytes: int


def main() -> Callable[[], None]:
    """Simulate every case and print what it takes; return what writes it into docs/scaling.md."""
    print(
        f"{NIGHTS_DOWN} nights without a run after {NIGHTS_BEFORE} with one; one account of each case.\n"
        + "\n".join(lines := _table([_result(case) for case in CASES]))
        + "\n"
    )
    return lambda: rewrite(DOCUMENT, "simulation", "\n".join(lines) + "\n")


def _result(case: Case) -> Result:
    started = time.perf_counter()
    account = Account(math.ceil(case.apps / case.accounts), CONFIGURED_PER_SECOND, Vendor(case.per_second))
    nights = [account.night(today) for today in range(NIGHTS_BEFORE)]
    nights += [account.night(today, down=True) for today in range(len(nights), len(nights) + NIGHTS_DOWN)]
    up = len(nights)
    while len(nights) < up + MOST_NIGHTS_AFTER and (len(nights) == up or nights[-1].missing):
        nights.append(account.night(len(nights)))
    return Result(
        case,
        usual=nights[NIGHTS_BEFORE - 1],
        first=nights[up],
        nights_to_catch_up=len(nights) - up,
        lost=sum(night.lost for night in nights),
        seconds=time.perf_counter() - started,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    )


def _table(results: list[Result]) -> list[str]:
    head = (
        "apps | the vendor allows, a second | accounts | apps an account | requests a night | hours a night"
        " | share of the limit | 429 | after a week without a run: requests planned | nights to catch up"
        " | app-days lost | peak memory, MiB"
    )
    rows = [
        (
            f"{r.case.apps:,}",
            f"{r.case.per_second:g}",
            f"{r.case.accounts:,}",
            f"{math.ceil(r.case.apps / r.case.accounts):,}",
            f"{r.usual.answered:,}",
            f"{r.usual.seconds / 3600:.1f}",
            f"{r.usual.answered / r.usual.seconds / r.case.per_second:.0%}",
            f"{r.usual.limited / (r.usual.answered + r.usual.limited):.2%}",
            f"{r.first.planned:,}",
            f"{r.nights_to_catch_up}",
            f"{r.lost:,}",
            f"{r.peak_bytes / 2**20:.0f}",
        )
        for r in results
    ]
    return [f"| {head} |", "|" + "---|" * len(rows[0]), *(f"| {' | '.join(row)} |" for row in rows)]
