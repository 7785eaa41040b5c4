"""From a thousand apps to a million: nights of accounts with a simulated vendor and clock."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from agora.bandwidth.plan import COLLECTING_SECONDS
from agora.dag_support.batches import BATCH_SECONDS
from tests.bench.documents import rewrite
from tests.bench.measure import Memory
from tests.bench.simulated_account import Account, Night, Vendor
from tests.support.paths import ROOT

DOCUMENT = ROOT / "docs" / "scaling.md"
REQUESTS_PER_APP = 2  # per night: yesterday, and a settled day
SHARE_OF_RATE = 0.9  # of the vendor's limit, with a reserve for nights with more 429s than usual
NIGHTS_BEFORE = 6
NIGHTS_DOWN = 7
MOST_NIGHTS_AFTER = 40
CONFIGURED_PER_SECOND = 10.0
# Measured with `make bench PARTS=growth`.
BYTES_PER_APP_DAY = 1385
BYTES_PER_RESPONSE = 4700
MIB_PER_TASK = 150
RAW_KEPT_DAYS = 63  # the minimum for agora_retention
ROWS_WITHOUT_PARTITIONS = 100e6  # docs/adr/0011


@dataclass(frozen=True)
class Case:
    """A number of apps, and the vendor's limit of requests per second and account."""

    apps: int
    per_second: float

    @property
    def accounts(self) -> int:
        """The smallest number of accounts whose nightly requests fit into a run."""
        nightly = min(self.per_second, CONFIGURED_PER_SECOND) * SHARE_OF_RATE * COLLECTING_SECONDS
        return max(1, math.ceil(self.apps * REQUESTS_PER_APP / nightly))

    @property
    def batches(self) -> int:
        """The number of batches per account and night."""
        nightly = self.apps * REQUESTS_PER_APP / self.accounts
        return math.ceil(nightly / (BATCH_SECONDS * CONFIGURED_PER_SECOND))


CASES = [Case(apps, rate) for apps in (1_000, 10_000, 100_000, 1_000_000) for rate in (10.0, 5.0)]


@dataclass
class Result:
    """The result of one account in a case."""

    case: Case
    usual: Night
    first: Night
    nights_to_catch_up: int
    lost: int
    seconds: float
    peak_bytes: int


def main() -> Callable[[], None]:
    """Simulate every case and print the results; return a function that writes them into docs/scaling.md."""
    print(f"{NIGHTS_DOWN} nights without a run after {NIGHTS_BEFORE} with one; one account of each case.")
    # One process per case, so that each has its own memory peak.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        nights, needs = _nights(list(processes.map(_result, CASES))), _needs(CASES)
    print("\n".join([*nights, "", *needs, ""]))

    def write() -> None:
        rewrite(DOCUMENT, "nights", "\n".join(nights) + "\n")
        rewrite(DOCUMENT, "needs", "\n".join(needs) + "\n")

    return write


def _result(case: Case) -> Result:
    started = time.perf_counter()
    account = Account(math.ceil(case.apps / case.accounts), CONFIGURED_PER_SECOND, Vendor(case.per_second))
    nights = [account.night(today) for today in range(NIGHTS_BEFORE)]
    nights += [account.night(today, down=True) for today in range(len(nights), len(nights) + NIGHTS_DOWN)]
    up = len(nights)
    while len(nights) < up + MOST_NIGHTS_AFTER and (len(nights) == up or nights[-1].missing):
        nights.append(account.night(len(nights)))
    memory = Memory(os.getpid(), "VmHWM")
    memory.sample()
    return Result(
        case,
        usual=nights[NIGHTS_BEFORE - 1],
        first=nights[up],
        nights_to_catch_up=len(nights) - up,
        lost=sum(night.lost for night in nights),
        seconds=time.perf_counter() - started,
        peak_bytes=memory.peak_bytes,
    )


def _nights(results: list[Result]) -> list[str]:
    head = (
        *("apps", "vendor's limit per second", "accounts", "apps per account", "requests per night", "hours"),
        *("share of the limit", "429", "planned after the week", "nights to catch up", "lost", "peak MiB"),
    )
    return _table(
        head,
        [
            (
                f"{r.case.apps:,}",
                f"{r.case.per_second:g}",
                f"{r.case.accounts:,}",
                f"{math.ceil(r.case.apps / r.case.accounts):,}",
                f"{r.usual.served:,}",
                f"{r.usual.seconds / 3600:.1f}",
                f"{r.usual.served / r.usual.seconds / r.case.per_second:.0%}",
                f"{r.usual.limited / (r.usual.served + r.usual.limited):.2%}",
                f"{r.first.planned:,}",
                f"{r.nights_to_catch_up}",
                f"{r.lost:,}",
                f"{r.peak_bytes / 2**20:.0f}",
            )
            for r in results
        ],
    )


def _needs(cases: list[Case]) -> list[str]:
    head = (
        *("apps", "accounts = collecting tasks at once", "memory, MiB", "nightly batches per account"),
        *("app-days per year", "points per year, GB", "raw responses, GB", "years until partitions"),
    )
    return _table(
        head,
        [
            (
                f"{case.apps:,}",
                f"{case.accounts}",
                f"{case.accounts * MIB_PER_TASK:,}",
                f"{case.batches}",
                f"{365 * case.apps:,}",
                f"{365 * case.apps * BYTES_PER_APP_DAY / 1e9:.1f}",
                f"{RAW_KEPT_DAYS * REQUESTS_PER_APP * case.apps * BYTES_PER_RESPONSE / 1e9:.1f}",
                f"{ROWS_WITHOUT_PARTITIONS / 365 / case.apps:.1f}",
            )
            for case in cases
            if case.per_second == CONFIGURED_PER_SECOND
        ],
    )


def _table(head: Sequence[str], rows: list[tuple[str, ...]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
