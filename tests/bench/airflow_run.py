"""A night through Airflow, from trigger to success: each part's share and the ratio to the vendor limit."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from agora.dag_support.batches import split_into_batches
from deploy.local.postgres_server import stack_cluster
from deploy.local.processes import Record
from tests.bench.measure import cpu_seconds
from tests.bench.workload import Workload
from tests.stack.stack import LiveStack, running_stack
from tests.support.sandbox_server import RunningSandbox, running_sandbox

ROUNDS = 3
DAG_ID = "agora_bandwidth_daily"
RUN_SECONDS = 1800
# As in Airflow's task logs.
EXECUTE_BEGINS, EXECUTE_ENDS = "::endgroup::", "::group::Post Execute"
STAGES = ("plan", "collect", "check", "publish", "everything_succeeded")

Span = tuple[float, float]
Json = dict[str, Any]


@dataclass(frozen=True)
class Night:
    """A run to be measured.

    Attributes:
        load: Apps and days.
        requests_per_second: As configured, and enforced by the sandbox; 0 if the vendor is not the limit.
    """

    load: Workload
    requests_per_second: float = 0

    @property
    def name(self) -> str:
        """Short name for the table of results."""
        limit = f"{self.requests_per_second:g} a second" if self.requests_per_second else "no limit"
        return f"{self.load.name}, {limit}"

    @property
    def least_seconds(self) -> float:
        """The shortest duration that the vendor's limit allows; 0 without a limit."""
        return self.load.app_days / self.requests_per_second if self.requests_per_second else 0


NIGHTS = (Night(Workload(1000, 1)), Night(Workload(5000, 1)), Night(Workload(1000, 7)))
LIMITED_NIGHTS = (Night(Workload(1000, 1), 10),)
PLANS = ((Workload(5000, 1), 10), (Workload(5000, 31), 10), (Workload(20_000, 31), 10))


@dataclass(frozen=True)
class Stage:
    """A step of a run with all of its tasks, in seconds.

    Attributes:
        waited: From the end of the step before to the start of its first task.
        starting: From then to the start of our code.
        executing: Time during which any of our code ran.
        ending: From the end of our code to the end of its last task.
    """

    waited: float
    starting: float
    executing: float
    ending: float


@dataclass(frozen=True)
class Measured:
    """A run that succeeded.

    Attributes:
        seconds: From the call that triggered it to its end.
        stages: By name.
        tasks: Number of collecting tasks.
        cpu_seconds: CPU seconds by process.
    """

    seconds: float
    stages: dict[str, Stage]
    tasks: int
    cpu_seconds: dict[str, float]

    @property
    def ours(self) -> float:
        """Seconds during which our code ran in a task."""
        return sum(stage.executing for stage in self.stages.values())


def main() -> None:
    """Measure each night on one stack and print medians."""
    with tempfile.TemporaryDirectory() as scratch, running_stack(Path(scratch) / "local") as live:
        results = {night: _rounds(night, live, ROUNDS) for night in NIGHTS}
        results |= {night: _rounds(night, live, 1) for night in LIMITED_NIGHTS}
    _report(results)
    _report_plans()


def _rounds(night: Night, live: LiveStack, rounds: int) -> list[Measured]:
    with running_sandbox(apps=night.load.apps, window="60 days", quiet=True) as sandbox:
        _configure(night, live, sandbox)
        _render(night, sandbox)
        return [_run(night, live, sandbox) for _ in range(rounds)]


def _configure(night: Night, live: LiveStack, sandbox: RunningSandbox) -> None:
    first = night.load.usage_dates(datetime.now(UTC).date())[0]
    live.set_apps([{"app_id": app_id, "collect_from": f"{first}"} for app_id in sandbox.app_ids])
    extra = {
        "window": "60 days",
        "requests_per_second": night.requests_per_second or 1_000_000,
        "settle_days": 0,  # otherwise, every other night would request twice as much
    }
    live.api.put_connection(
        "agora_dashboard",
        conn_type="agora_dashboard",
        host=sandbox.base_url,
        login=sandbox.customer_id,
        password=sandbox.customer_certificate,
        extra=json.dumps(extra),
    )


def _render(night: Night, sandbox: RunningSandbox) -> None:
    """Have the sandbox render each response once, so that only collecting is measured."""
    for usage_date in night.load.usage_dates(datetime.now(UTC).date()):
        for app_id in sandbox.app_ids:
            sandbox.fetch(app_id, usage_date)


def _run(night: Night, live: LiveStack, sandbox: RunningSandbox) -> Measured:
    live.end_runs()
    live.sql("truncate raw.bandwidth_response, core.vendor_account cascade")
    sandbox.put_rate_limit(night.requests_per_second)
    pids = _pids(live, sandbox)
    cpu_before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    triggered_at = time.time()
    run_id = live.call("POST", f"/api/v2/dags/{DAG_ID}/dagRuns", {"logical_date": None})["dag_run_id"]
    run = _ended(live, run_id)
    cpu = {name: cpu_seconds(pid) - cpu_before[name] for name, pid in pids.items()}
    points = live.sql("select sum(points) from core.app_day")
    if run["state"] != "success" or points != [(night.load.points,)]:
        raise SystemExit(f"{night.name}: {run['state']}, {points} points, {run['note']}")
    tasks = live.api.task_instances(DAG_ID, run_id)
    stages = _stages(live, run_id, tasks, triggered_at)
    collecting = sum(_stage_of(task) == "collect" for task in tasks)
    return Measured(_seconds(run["end_date"]) - triggered_at, stages, collecting, cpu)


def _pids(live: LiveStack, sandbox: RunningSandbox) -> dict[str, int]:
    settings = live.stack.settings
    leaders = {name: Record(name, settings.state).leader() for name in ("scheduler", "api-server")}
    pids = {name: leader.pid for name, leader in leaders.items() if leader}
    return {**pids, "PostgreSQL": stack_cluster(settings).server_pid() or 0, "sandbox": sandbox.pid}


def _ended(live: LiveStack, run_id: str) -> Json:
    path = f"/api/v2/dags/{DAG_ID}/dagRuns/{quote(run_id)}"
    deadline = time.monotonic() + RUN_SECONDS
    while (run := live.call("GET", path))["state"] not in ("success", "failed"):
        if time.monotonic() > deadline:
            raise SystemExit(f"{run_id} is still {run['state']} after {RUN_SECONDS} s")
        time.sleep(1)
    return run


def _stages(live: LiveStack, run_id: str, tasks: Sequence[Json], begun_at: float) -> dict[str, Stage]:
    stages: dict[str, Stage] = {}
    for name in STAGES:
        parts = [task for task in tasks if _stage_of(task) == name and task["start_date"]]
        first = min(_seconds(task["start_date"]) for task in parts)
        last = max(_seconds(task["end_date"]) for task in parts)
        spans = [span for task in parts if (span := _execute_span(live, run_id, task))]
        begins, ends = min((s[0] for s in spans), default=last), max((s[1] for s in spans), default=last)
        stages[name] = Stage(first - begun_at, begins - first, _covered(spans), last - ends)
        begun_at = last
    return stages


def _stage_of(task: Json) -> str:
    """Return the step of the run that a task belongs to."""
    return str(task["task_id"]).split(".")[1]


def _execute_span(live: LiveStack, run_id: str, task: Json) -> Span | None:
    """Return when the task's own code began and ended, or None if Airflow started no process for the task."""
    if not task["pid"]:
        return None
    lines = live.api.log(DAG_ID, run_id, task)
    lines = [line for line in lines if line.get("timestamp")]  # the other lines name the log's source
    begins = next(line for line in lines if line["event"] == EXECUTE_BEGINS)
    ends = next(line for line in lines if line["event"] == EXECUTE_ENDS)
    return _seconds(begins["timestamp"]), _seconds(ends["timestamp"])


def _covered(spans: Iterable[Span]) -> float:
    """Return the seconds that lie within any of the spans."""
    seconds, reached = 0.0, 0.0
    for begin, end in sorted(spans):
        seconds += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return seconds


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _report(results: dict[Night, list[Measured]]) -> None:
    print("A night through Airflow, from the trigger to the run's success; medians, seconds")
    print(
        f"  {'':40} {'rounds':>6} {'tasks':>6} {'total':>8} {'ours':>8} {'Airflow':>8} {'÷ vendor':>8}"
        "   CPU seconds"
    )
    for night, rounds in results.items():
        total, ours = (statistics.median(getattr(r, name) for r in rounds) for name in ("seconds", "ours"))
        ratio = f"{total / night.least_seconds:8.3f}" if night.least_seconds else f"{'–':>8}"
        print(
            f"  {night.name:40} {len(rounds):6} {rounds[0].tasks:6}"
            f" {total:8.1f} {ours:8.1f} {total - ours:8.1f} {ratio}   {_cpu(rounds)}"
        )
    for night, rounds in results.items():
        print(f"\n  {night.name:40} {'waits':>8} {'starts':>8} {'ours':>8} {'ends':>8}")
        for name in STAGES:
            parts = [r.stages[name] for r in rounds]
            columns = (
                statistics.median(getattr(part, column) for part in parts)
                for column in ("waited", "starting", "executing", "ending")
            )
            print(f"    {name:38} " + " ".join(f"{seconds:8.2f}" for seconds in columns))
    print()


def _cpu(rounds: Sequence[Measured]) -> str:
    medians = {who: statistics.median(r.cpu_seconds[who] for r in rounds) for who in rounds[0].cpu_seconds}
    return ", ".join(f"{who} {seconds:.1f}" for who, seconds in medians.items())


def _report_plans() -> None:
    """Print the size of a plan on its way through Airflow, as far as it depends on the batches."""
    now = datetime.now(UTC)
    print("A plan on its way to the collecting tasks")
    print(f"  {'':40} {'batches':>8} {'largest kB':>11} {'all tasks read MB':>18} {'in one XCom MB':>15}")
    for load, rate in PLANS:
        app_ids = [f"{number:032x}" for number in range(load.apps)]
        app_days = [(app_id, day) for day in load.usage_dates(now.date()) for app_id in app_ids]
        batches = [*split_into_batches("agora_dashboard", app_days, planned_at=now, requests_per_second=rate)]
        sizes = [len(json.dumps(asdict(batch))) for batch in batches]
        mapped_over = len(json.dumps([{"key": "batch_0000", "label": batch.label} for batch in batches]))
        read, merge_notes = sum(sizes) + len(batches) * mapped_over, len(batches) * sum(sizes)
        print(
            f"  {load.name + f', {rate:g} a second':40} {len(batches):8} {max(sizes) / 1e3:11.0f}"
            f" {read / 1e6:18.1f} {merge_notes / 1e6:15,.1f}"
        )
    print()
