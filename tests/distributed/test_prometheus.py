"""Metrics from Airflow's StatsD client through collectd to Prometheus."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from deploy.local.settings import HOST, free_port
from tests.distributed.plain import PROGRAMS
from tests.support.paths import ROOT
from tests.warehouse.database import App, AppDay, Warehouse

TYPES = Path("/usr/share/collectd/types.db")
PROGRAMS_NEEDED = ("collectd", "prometheus")
SECONDS = 60
COUNTERS = {
    "requests": 620,
    "requests_limited": 7,
    "app_days_received": 600,
    "points_received": 172_800,
    "app_days_changed": 20,
}
GAUGES = {
    "app_days.collected": 1,
    "app_days.partial": 0,
    "app_days.rejected": 0,
    "app_days.failed": 1,
    "app_days.pending": 1,
    "lost_app_days": 0,
    "oldest_uncollected.age_days": 3,
}
STAGES = ("plan", "fetch", "keep", "decode", "load", "check", "refresh")
COLLECTD = """
Hostname "agora"
FQDNLookup false
Interval 1
BaseDir "{directory}"
PIDFile "{directory}/pid"
TypesDB "{types}"
LoadPlugin statsd
LoadPlugin write_prometheus
<Plugin statsd>
  Host "{host}"
  Port "{statsd}"
  TimerSum true
</Plugin>
<Plugin write_prometheus>
  Host "{host}"
  Port "{page}"
</Plugin>
"""
PROMETHEUS = """
global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: agora, static_configs: [{{targets: ["{host}:{page}"]}}]}}]
"""

pytestmark = pytest.mark.skipif(
    not (TYPES.exists() and all(map(shutil.which, PROGRAMS_NEEDED))),
    reason="collectd and Prometheus are needed: on Debian"
    " `apt-get install collectd-core libmicrohttpd12 prometheus`.",
)


@contextmanager
def running(directory: Path, *command: str) -> Iterator[None]:
    with (
        (directory / f"{command[0]}.log").open("wb") as log,
        subprocess.Popen(command, cwd=directory, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.kill()


def read(port: int, path: str) -> bytes:
    with urlopen(f"http://{HOST}:{port}{path}", timeout=5) as response:
        return bytes(response.read())


def values(prometheus: int, query: str) -> dict[str, float]:
    """Return the values of a PromQL query by the name in StatsD, without prefixes."""
    result = json.loads(read(prometheus, f"/api/v1/query?query={quote(query)}"))["data"]["result"]
    return {
        series["metric"]["statsd"].removeprefix("airflow.agora."): float(series["value"][1])
        for series in result
    }


def wait_for(prometheus: int, query: str, expected: Mapping[str, float]) -> None:
    deadline = time.monotonic() + SECONDS
    found: Mapping[str, float] = {}
    while found != expected:
        assert time.monotonic() < deadline, (query, found)
        time.sleep(0.3)
        try:
            found = values(prometheus, query)
        except OSError:
            continue


def test_every_metric_arrives_in_prometheus_with_its_value(warehouse: Warehouse, tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=number) for number in (1, 2, 3)]
    warehouse.add_account()
    warehouse.add_apps([App("a" * 32, days[-1])])
    warehouse.add_days([AppDay("a" * 32, days[1], [1] * 288), AppDay("a" * 32, days[2])])
    statsd, page, prometheus = free_port(), free_port(), free_port()
    names = {"host": HOST, "statsd": statsd, "page": page, "directory": tmp_path, "types": TYPES}
    (tmp_path / "collectd.conf").write_text(COLLECTD.format(**names))
    (tmp_path / "prometheus.yml").write_text(PROMETHEUS.format(**names))
    with (
        running(tmp_path, "collectd", "-f", "-C", "collectd.conf"),
        running(
            tmp_path,
            "prometheus",
            "--config.file=prometheus.yml",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address={HOST}:{prometheus}",
        ),
    ):
        wait_for(prometheus, 'label_replace(up, "statsd", "up", "", "")', {"up": 1})
        send_metrics(warehouse, statsd, tmp_path)
        wait_for(prometheus, 'collectd_statsd_derive_total{statsd=~"airflow.agora.*"}', COUNTERS)
        gauges = 'collectd_statsd_gauge{statsd=~"airflow.agora.*",statsd!~".*days_left"}'
        wait_for(prometheus, gauges, GAUGES)
        assert values(prometheus, 'collectd_statsd_gauge{statsd=~".*days_left"}').popitem()[1] > 20
        timers = 'max_over_time(collectd_statsd_latency{statsd=~"airflow.agora.*-sum"}[1m])'
        wait_for(prometheus, timers, {f"duration.{stage}-sum": 1.5 for stage in STAGES})


def send_metrics(warehouse: Warehouse, port: int, home: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__METRICS__STATSD_ON": "True",
        "AIRFLOW__METRICS__STATSD_HOST": HOST,
        "AIRFLOW__METRICS__STATSD_PORT": str(port),
    }
    command = [str(PROGRAMS / "python"), "-m", "tests.distributed.send_metrics", warehouse.url("loader")]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
