"""A week of nights on a real stack with a simulated clock: restarts, restatements, an upgrade, lost metadata.

Every process of the stack and the sandbox share a clock, which jumps from one scheduled run to the next.
Airflow's own scheduler starts the runs. After each night, every stored point is compared with the sandbox's.
`SOAK_NIGHTS=3 make bench PARTS=soak` ends earlier.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day

from tests.bench.documents import rewrite
from tests.bench.soak import picture, table
from tests.bench.soak.clock import simulated_clock
from tests.bench.soak.installation import THIS, Installation, install_released, installed
from tests.bench.soak.measures import Measures, watching_peak
from tests.bench.soak.points import Comparison, Vendor
from tests.support.paths import ROOT
from tests.support.sandbox_server import running_sandbox

APPS = 100
NIGHTS = int(os.environ.get("SOAK_NIGHTS", "7"))
DOCUMENT = ROOT / "docs" / "reliability.md"
PICTURE = ROOT / "docs" / "pictures" / "soak.svg"
LINK = f"![Memory, disk and events of each night](pictures/{PICTURE.name})"
# Each shortly before the schedule of a DAG.
TIMES = (time_of_day(1, 29, 57), time_of_day(4, 59, 57), time_of_day(5, 59, 57))
SETTLES_AFTER = timedelta(days=3)  # a night requests the day before, and again the day that has now settled


@dataclass
class Night:
    """The events and results of one night.

    Attributes:
        failed_runs: IDs of runs that failed.
        seconds: Real time from the jump to the night until no run was active.
    """

    number: int
    day: datetime
    release: str
    event: str
    requests: int = 0
    runs: int = 0
    failed_runs: list[str] = field(default_factory=list)
    seconds: float = 0.0
    comparison: Comparison = field(default_factory=Comparison)
    measures: Measures = field(default_factory=Measures)

    @property
    def is_sound(self) -> bool:
        """Whether every point was stored and no run failed."""
        return self.comparison.is_sound and not self.failed_runs


class Week:
    """An installation, its vendor, and the nights so far."""

    def __init__(self, installation: Installation, vendor: Vendor, midnight: datetime) -> None:
        self.installation = installation
        self.vendor = vendor
        self.nights: list[Night] = []
        self._midnight = midnight
        # What happens in a night, before it or in it. Nights without an entry are undisturbed.
        self._events: dict[int, tuple[str, Callable[[datetime], None]]] = {
            1: ("scheduler killed", self._kill_scheduler),
            2: ("points withheld, days restated", self._change_points),
            3: ("worker killed, points delivered", self._kill_worker),
            4: ("upgrade to 1.1.0, PostgreSQL killed", self._upgrade),
            5: ("Airflow's database lost", self._lose_metadata),
            6: ("down for 20 hours, days restated", self._stop_for_a_day),
        }

    def install(self) -> None:
        """Start 1.0.0 at noon; its first run collects the whole window."""
        noon = self._midnight + timedelta(hours=12)
        self.installation.clock.set(noon)
        self._night(0, "installed", noon, lambda _: self.installation.up())

    def night(self, number: int) -> None:
        """Let one night pass."""
        day = self._midnight + timedelta(days=number)
        event, action = self._events.get(number, ("", self._let_it_pass))
        self._night(number, event, day, action)

    def _night(self, number: int, event: str, day: datetime, action: Callable[[datetime], None]) -> None:
        installation, began, since = self.installation, time.monotonic(), self.installation.clock.now()
        self.vendor.sandbox.reset_stats()
        night = Night(number, day, "", event)
        with watching_peak(installation, night.measures):
            action(day)
            installation.finish_due_runs()
        night.release = installation.release.name
        night.seconds = time.monotonic() - began
        night.requests = self.vendor.sandbox.stats()["requests"]
        runs = installation.runs_since(since)
        night.runs = len(runs)
        night.failed_runs = [run["dag_run_id"] for run in runs if run["state"] == "failed"]
        night.comparison = self.vendor.compare(installation.sql)
        night.measures.measure(installation)
        self.nights.append(night)
        print(table.row(night), flush=True)

    # Events

    def _let_it_pass(self, day: datetime) -> None:
        self._collect(day)

    def _collect(self, day: datetime, disturb: Callable[[], None] = lambda: None) -> None:
        """Jump from one schedule to the next, and disturb the first run."""
        for at in TIMES:
            self.installation.clock.set(datetime.combine(day, at, UTC))
            if at == TIMES[0]:
                disturb()
            # Until the schedule's time has come.
            time.sleep(4)
            self.installation.finish_due_runs()

    def _kill_scheduler(self, day: datetime) -> None:
        self._collect(day, self.installation.kill_scheduler)

    def _kill_worker(self, day: datetime) -> None:
        self.vendor.withhold([])
        self._collect(day, self.installation.kill_worker)

    def _change_points(self, day: datetime) -> None:
        app_ids, yesterday = self.vendor.sandbox.app_ids, day.date() - timedelta(days=1)
        self.vendor.withhold([(app_id, yesterday) for app_id in app_ids[:3]])
        self._restate(day)
        self._collect(day)

    def _restate(self, day: datetime) -> None:
        settled = (day - SETTLES_AFTER).date()
        self.vendor.restate([(app_id, settled) for app_id in self.vendor.sandbox.app_ids[3:8]])

    def _upgrade(self, day: datetime) -> None:
        self.installation.stop()
        self.installation.release = THIS
        self.installation.up()
        self._collect(day, self.installation.kill_postgres)

    def _lose_metadata(self, day: datetime) -> None:
        self.installation.lose_metadata()
        self.installation.finish_due_runs()
        self._collect(day)

    def _stop_for_a_day(self, day: datetime) -> None:
        self.installation.stop()
        self._restate(day)
        self.installation.clock.set(day + timedelta(hours=21))
        self.installation.up()


def main() -> Callable[[], None]:
    """Run the week; return a function that writes its table and picture into the documents.

    Raises:
        SystemExit: Points differ or are missing, or a run failed.
    """
    install_released()
    with simulated_clock() as (clock, home):
        today = datetime.combine(clock.now(), time_of_day(), UTC)
        clock.set(today + timedelta(days=1))
        with (
            running_sandbox(apps=APPS, quiet=True) as sandbox,
            installed(home, clock, sandbox) as installation,
        ):
            week = Week(installation, Vendor(sandbox), today + timedelta(days=1))
            print("\n".join(table.HEAD))
            week.install()
            for number in range(1, NIGHTS + 1):
                week.night(number)
    if not all(night.is_sound for night in week.nights):
        failed = {night.number: night.failed_runs for night in week.nights if night.failed_runs}
        raise SystemExit(f"The soak found differences or failed runs: {failed}")

    def write() -> None:
        rewrite(DOCUMENT, "soak", f"{table.text(week.nights)}\n{LINK}\n")
        PICTURE.write_text(picture.drawn(week.nights))

    return write


if __name__ == "__main__":
    main()
