"""Kills parts of Airflow on a real local stack during nightly runs, and restarts them like an init system."""

from __future__ import annotations

import os
import random
import signal
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from deploy.local import airflow_setup, stack
from deploy.local.processes import Record
from deploy.local.settings import Settings, free_port
from tests.chaos.kills import Outcome
from tests.chaos.nights import Nights
from tests.chaos.site import ChaosError
from tests.chaos.truth import Truth
from tests.stack.stack import LiveStack
from tests.support.sandbox_server import RunningSandbox, running_sandbox

SERVICES = ("scheduler", "api-server", "dag-processor")
TASK = "task"
APPS = 400
KILLS_PER_CHECK = 8
# With the default times, a run that is hit repeatedly could last most of a day: Airflow notices a vanished
# task after five minutes, our tasks wait up to half an hour between attempts, and a hanging run ends after
# twenty hours.
SHORT_TIMEOUT = {"AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30"}
SHORT_DELAYS = """
from datetime import timedelta


def task_policy(task):
    task.retry_delay, task.max_retry_delay = timedelta(seconds=5), timedelta(seconds=20)


def dag_policy(dag):
    if dag.dagrun_timeout:
        dag.dagrun_timeout = timedelta(minutes=5)
"""
IDLE_SECONDS = 900.0  # generous limit on the time without a running task
TASK_SECONDS = 40.0  # how long to wait for a running task before killing another part first


def run(moments: random.Random, kills: int, report_progress: Callable[[str], None]) -> Outcome:
    """Kill each part repeatedly, in turn, then let nightly runs collect every expected day, and compare.

    Args:
        moments: Random source for the order, moments and victims.
        kills: Number of kills for each part.
        report_progress: Receives progress lines.
    """
    outcome = Outcome()
    began = last_kill = time.monotonic()
    with (
        running_sandbox(apps=APPS, seed=moments.randrange(1000), quiet=True) as sandbox,
        _live(sandbox) as live,
    ):
        nights = Nights(live, sandbox, Truth(sandbox, None))
        turns = deque(part for _ in range(kills) for part in moments.sample((*SERVICES, TASK), 4))
        while turns:
            nights.keep_running(moments.uniform(1, 6))
            killed = _kill(live, turns[0], nights, moments)
            if not killed:
                # No task ran, for example because a part was restarting. Try again later.
                _require_recent(last_kill)
                turns.rotate(-1)
                continue
            turns.popleft()
            last_kill = time.monotonic()
            outcome.at[killed] += 1
            outcome.kills += 1
            nights.observe()
            if outcome.kills % KILLS_PER_CHECK == 0:
                nights.keep_running_until_collected()
                outcome.findings.merge(nights.check())
            report_progress(
                f"  Airflow: {outcome.kills} of {4 * kills} kills, {nights.triggered} runs triggered,"
                f" {len(nights.acknowledged):,} acknowledged, {outcome.findings.counts.total()} findings,"
                f" {time.monotonic() - began:.0f} s"
            )
        outcome.gaps = len(nights.gaps_after_undisturbed_runs())
        nights.require_success()
        outcome.findings.merge(nights.check())
        outcome.acknowledged = len(nights.acknowledged)
    return outcome


def _require_recent(last_kill: float) -> None:
    if time.monotonic() - last_kill > IDLE_SECONDS:
        raise ChaosError(f"Airflow ran no task for {IDLE_SECONDS:.0f} s although runs were triggered.")


@contextmanager
def _live(sandbox: RunningSandbox) -> Iterator[LiveStack]:
    """Run a stack on a separate sandbox, which has more apps than the stack's own."""
    os.environ.update(SHORT_TIMEOUT)
    home = Path(tempfile.mkdtemp(prefix="agora-chaos-"))
    settings = Settings(home / "local", free_port(), free_port(), free_port())
    settings.make_directories()
    settings.state_file.update(mode=stack.DEMO, ports=settings.ports)
    policy = settings.airflow_home / "config" / "airflow_local_settings.py"
    policy.parent.mkdir()
    policy.write_text(SHORT_DELAYS)
    try:
        live = LiveStack(stack.start(settings, stack.DEMO, airflow_setup.set_up_airflow))
        live.api.put_connection(
            "agora_dashboard",
            conn_type="agora_dashboard",
            host=sandbox.base_url,
            login=sandbox.customer_id,
            password=sandbox.customer_certificate,
        )
        live.set_apps(sandbox.app_ids[:1])
        airflow_setup.unpause(live.stack)
        yield live
    finally:
        stack.clean(settings)
        home.rmdir()


def _kill(live: LiveStack, part: str, nights: Nights, moments: random.Random) -> str:
    """Kill a part and start it again; return what was killed and whether a task was running.

    Return an empty string if a task was to be killed but none was running.
    """
    if part == TASK:
        return _kill_task(live, nights, moments)
    if moments.random() < 0.5:
        _running_task(live, nights, moments)
    busy = "while a task ran" if _busy_workers(live) else "between tasks"
    record = Record(part, live.stack.settings.state)
    leader = record.leader()
    if leader is None:
        raise ChaosError(f"Airflow's {part} ended on its own. Its log: {live.stack.settings.log_dir}")
    # Kill the main process alone, or with its children, as when its container is killed.
    victims = [leader] if moments.random() < 0.5 else [leader, *record.members()]
    for victim in victims:
        with suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(leader.pid, 0)
    next(service for service in live.stack.airflow_services if service.name == part).start()
    return f"{part} {busy}"


def _kill_task(live: LiveStack, nights: Nights, moments: random.Random) -> str:
    victim = _running_task(live, nights, moments)
    if victim is None:
        return ""
    what = "a task's process" if _is_supervised(victim) else "a worker with its task"
    with suppress(psutil.NoSuchProcess):
        victim.kill()
        return what
    return ""


def _running_task(live: LiveStack, nights: Nights, moments: random.Random) -> psutil.Process | None:
    """Wait for a running task; return its process or its worker's process, or None if no task runs."""
    deadline = time.monotonic() + TASK_SECONDS
    while time.monotonic() < deadline:
        if _busy_workers(live):
            nights.keep_running(moments.uniform(0, 2))
        for worker in _busy_workers(live):
            with suppress(psutil.Error):
                return moments.choice([worker, *worker.children()])
        nights.keep_running(0.5)
    return None


def _busy_workers(live: LiveStack) -> list[psutil.Process]:
    """Return the LocalExecutor's workers that have a task. An idle worker may hold the shared lock."""
    leader = Record("scheduler", live.stack.settings.state).leader()
    busy = []
    with suppress(psutil.Error):
        for worker in psutil.Process(leader.pid).children() if leader else ():
            with suppress(psutil.Error):
                if "LocalExecutor: " in _title(worker) and "<idle>" not in _title(worker):
                    busy.append(worker)
    return busy


def _is_supervised(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        parent = process.parent()
        return parent is not None and "LocalExecutor: " in _title(parent)
    return False


def _title(process: psutil.Process) -> str:
    return " ".join(process.cmdline())
