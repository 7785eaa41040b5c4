"""Runs a contestant in its own process, which receives a job and reports when it is ready and done."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from tests.bench.contestants import Contestant
from tests.bench.job import Job
from tests.bench.measure import Memory, cpu_seconds, reset_peak, watched
from tests.support.paths import ROOT


@dataclass(frozen=True)
class Sample:
    """One run: wall time, and CPU seconds and peak memory by process."""

    wall_seconds: float
    cpu_seconds: dict[str, float]
    peak_bytes: dict[str, int]


def measured(contestant: Contestant, job: Job, servers: dict[str, int], before: Callable[[], None]) -> Sample:
    """Run a contestant once.

    Args:
        contestant: The contestant.
        job: The contestant's job.
        servers: Name → process ID of the servers that the contestant uses.
        before: Called when the contestant is ready, before it starts.
    """
    with _started(contestant, job) as child:
        before()
        reset_peak(child.pid)
        processes = {"itself": child.pid, **servers}
        memory = {
            "itself": Memory(child.pid, "VmHWM"),
            "PostgreSQL": Memory(servers["PostgreSQL"], "RssAnon"),
        }
        cpu_before = {name: cpu_seconds(pid) for name, pid in processes.items()}
        with watched(*memory.values()):
            started = time.perf_counter()
            _send(child, "go")
            _expect(child, "done")
            wall_seconds = time.perf_counter() - started
        return Sample(
            wall_seconds,
            {name: cpu_seconds(pid) - cpu_before[name] for name, pid in processes.items()},
            {name: peak.peak_bytes for name, peak in memory.items()},
        )


@contextmanager
def _started(contestant: Contestant, job: Job) -> Iterator[subprocess.Popen[str]]:
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [contestant.python, "-W", "ignore", "-m", contestant.module, *contestant.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=job.scratch,
            # Some libraries store files in the home directory.
            env=os.environ
            | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}", "HOME": job.scratch, "NO_PROXY": "127.0.0.1"},
        ) as child,
    ):
        try:
            _send(child, json.dumps(asdict(job)))
            _expect(child, "ready")
            yield child
            child.communicate("\n")
        except EOFError:
            errors.seek(0)
            raise SystemExit(f"{contestant.name} failed:\n{errors.read()[-4000:]}") from None
        finally:
            child.kill()


def _send(child: subprocess.Popen[str], line: str) -> None:
    assert child.stdin
    child.stdin.write(line + "\n")
    child.stdin.flush()


def _expect(child: subprocess.Popen[str], word: str) -> None:
    assert child.stdout
    if child.stdout.readline().strip() != word:
        raise EOFError
