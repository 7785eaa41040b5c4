"""Killed at any moment, a run leaves a consistent warehouse, and the next one completes it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from sandbox.testing import RunningSandbox, running_sandbox
from tests.collect.night import Night, assert_true, night_of, product, window_days
from tests.warehouse.database import Warehouse

ROOT = Path(__file__).resolve().parents[2]
KILLS = 6

# Each finds rows that must not be.
INCONSISTENT = {
    "points that no kept answer says": """
        select 1 from core.app_day inner join core.app using (app_key)
        where app_day.kbps is not null and not exists (
            select from raw.bandwidth_response as response
            where response.app_id = app.app_id and response.usage_date = app_day.usage_date
                and response.body_sha256 = app_day.body_sha256
        )""",
    "a digest that is not the body's": """
        select 1 from raw.bandwidth_response where sha256(body) <> body_sha256""",
    "states nothing led to": """
        select 1 from core.app_day where state <> 'collected'""",
}


def start(night: Night) -> subprocess.Popen[str]:
    """Start a run and wait until it has begun."""
    account = night.account.model_dump(mode="json", exclude={"conn_id"})
    account["customer_certificate"] = night.account.customer_certificate.get_secret_value()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.collect.run_once"],
        cwd=ROOT,
        env=os.environ
        | {
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            "ACCOUNT": json.dumps(account),
            "APPS": json.dumps([app.app_id for app in night.apps]),
            "WAREHOUSE_URL": night.warehouse.url("loader"),
        },
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_a_run_killed_at_any_moment_is_completed_by_the_next(warehouse: Warehouse) -> None:
    # 10 apps × a month at 150 a second take two seconds.
    with running_sandbox(apps=10, quiet=True) as sandbox:
        night = night_of(sandbox, warehouse, requests_per_second=150)
        moments = random.Random(7)
        collected = [0]
        for _ in range(KILLS):
            process = start(night)
            if moments.random() < 0.7:
                wait_for_more(night, process, than=collected[-1] + moments.randrange(30))
            time.sleep(moments.uniform(0, 0.1))
            process.kill()
            process.communicate()
            collected.append(assert_consistent(night, sandbox))
        assert collected == sorted(collected), "what was committed stays"
        assert collected[-1] > 0

        process = start(night)
        process.communicate()
        assert process.returncode == 0
        assert_true(night, sandbox, product(sandbox.app_ids, window_days(sandbox)))
        assert night.plan().app_days == []


def wait_for_more(night: Night, process: subprocess.Popen[str], than: int) -> None:
    count = "select count(*) as days from core.app_day"
    while night.warehouse.rows(count)[0]["days"] <= than and process.poll() is None:
        time.sleep(0.01)


def assert_consistent(night: Night, sandbox: RunningSandbox) -> int:
    for what, query in INCONSISTENT.items():
        assert night.warehouse.rows(query) == [], what
    ledger = night.ledger()
    assert_true(night, sandbox, set(ledger))
    return len(ledger)
