"""Memory and disk of an installation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import psutil

from tests.bench.soak.installation import SERVICES, Installation

POSTGRES = "PostgreSQL"
SIZES = "select pg_database_size('warehouse'), pg_database_size('airflow')"
ROWS = "select (select count(*) from core.app_day), (select count(*) from raw.bandwidth_response)"


@dataclass
class Measures:
    """An installation's memory and disk after a night.

    Attributes:
        idle_bytes: Proportional memory per kind of process, when no run is active.
        peak_bytes: The highest sum over all processes during the night.
        app_days: Rows of core.app_day.
        responses: Rows of raw.bandwidth_response.
        log_bytes: Logs of Airflow's tasks and services.
    """

    peak_bytes: int = 0
    idle_bytes: dict[str, int] = field(default_factory=dict)
    app_days: int = 0
    responses: int = 0
    warehouse_bytes: int = 0
    metadata_bytes: int = 0
    log_bytes: int = 0

    def measure(self, installation: Installation) -> None:
        """Measure everything except the peak."""
        self.idle_bytes = memory(installation)
        (self.warehouse_bytes, self.metadata_bytes), (self.app_days, self.responses) = (
            installation.sql(query)[0] for query in (SIZES, ROWS)
        )
        settings = installation.settings
        logs = (settings.log_dir, settings.airflow_home / "logs")
        self.log_bytes = sum(
            path.lstat().st_size for log in logs for path in log.rglob("*") if path.is_file()
        )


@contextmanager
def watching_peak(installation: Installation, measures: Measures) -> Iterator[None]:
    """Record the peak of memory within a `with` block."""
    ended = Event()

    def sample() -> None:
        while not ended.wait(1):
            measures.peak_bytes = max(measures.peak_bytes, sum(memory(installation).values()))

    thread = Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def memory(installation: Installation) -> dict[str, int]:
    """Return the proportional memory (PSS) per kind of process, which counts shared pages once."""
    sizes: Counter[str] = Counter()
    for service in SERVICES:
        for process in installation.processes(service):
            sizes[service] += _proportional_bytes(process)
    for process in installation.postgres_processes():
        sizes[POSTGRES] += _proportional_bytes(process)
    return dict(sizes)


def _proportional_bytes(process: psutil.Process) -> int:
    # A process may end meanwhile.
    with suppress(OSError):
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
