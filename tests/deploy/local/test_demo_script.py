"""The demo's script is valid and shows every state of an app-day."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from agora.domain import State
from agora.settings.apps import parse_apps
from agora.settings.contracts import parse_contracts
from agora.warehouse import apps
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.runs import CollectionRun, record
from deploy.local import demo_report, demo_script
from sandbox.faults.script import read_script
from sandbox.traffic.apps import seeded_apps
from tests.bandwidth.collect.night import night_of
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import Warehouse

APPS = [{"app_id": app.app_id, "name": app.name} for app in seeded_apps(7, 20)]
TODAY = datetime.now(UTC).date()
# What the release check compares before and after a second demo.
APP_DAYS = (
    "select app_key, usage_date, starts_at, kbps, collected_at, body_sha256 from core.app_day order by 1, 2"
)


def test_every_state_and_a_restatement_have_a_reason() -> None:
    assert demo_script.REASONS.keys() == {*State} - {"collected"} | {"restated"}


def test_the_settings_and_the_fault_script_are_valid() -> None:
    configured = parse_apps(demo_script.configured_apps(APPS))
    (contract,) = parse_contracts(json.dumps([demo_script.CONTRACT]))
    assert len(configured) == 19
    assert {app.billing_group for app in configured} == {demo_script.EVENTS, demo_script.MEETINGS}
    assert contract.billing_group in {app.billing_group for app in configured}
    assert len(read_script(demo_script.faults(TODAY), seeded_apps(7, 20))) == 5


def test_the_removed_apps_have_lost_and_pending_days(warehouse: Warehouse) -> None:
    for _ in range(2):
        with warehouse.connect("owner") as owner:
            demo_script.record_removed_apps(owner, APPS, TODAY)
    rows = warehouse.rows("select app_name, state, count(*) from mart.coverage group by 1, 2 order by 1, 2")
    assert [tuple(row.values()) for row in rows] == [
        ("former-partner", "lost", 5),
        ("former-partner", "pending", 3),
        ("overseas-19", "pending", 10),
    ]
    with warehouse.connect("analyst") as analyst:
        text = demo_report.format_coverage(analyst)
        assert not demo_report.has_restatement(analyst)
        assert not demo_report.has_app(analyst, APPS[0]["app_id"]), (
            "the days of removed apps are not progress"
        )
    lines = text.splitlines()
    assert lines[0] == "Collected 0 of 18 app-days."
    assert [line.split()[:2] for line in lines[2:]] == [
        ["lost", "former-partner,"],
        ["pending", "former-partner,"],
        ["pending", "overseas-19,"],
    ]


def test_two_runs_show_every_state_and_a_third_changes_nothing(warehouse: Warehouse) -> None:
    with warehouse.connect("owner") as owner:
        demo_script.record_removed_apps(owner, APPS, TODAY)
    configured = json.loads(demo_script.configured_apps(APPS))
    with running_sandbox(apps=20, faults=demo_script.faults(TODAY), quiet=True) as sandbox:
        night = night_of(sandbox, warehouse, configured)
        _, first = night.run()
        night.run()
        before = warehouse.rows(APP_DAYS)
        night.run()
    removed = APPS[demo_script.REMOVED_APP]
    assert set(first.failures) == {removed["app_id"]}, "only the removed app fails"
    engine = warehouse_engine(warehouse.url("loader"))
    with engine.connect() as loader:
        first.separate_removed(apps.removed(loader, first.failures))
    engine.dispose()
    assert f"1 removed app failed too: {removed['name']}: 2 days, " in first.text()
    assert warehouse.rows(APP_DAYS) == before
    assert {state for _, state in night.states().items()} == {"collected", "partial", "rejected", "failed"}
    assert {row["state"] for row in night.coverage().values()} == {*State}
    restated = APPS[demo_script.RESTATED_APP]["app_id"]
    assert warehouse.rows("select app_id, points_added from mart.restatement") == [
        {"app_id": restated, "points_added": len(demo_script.WITHHELD)}
    ]
    with warehouse.connect("analyst") as analyst:
        text = demo_report.format_coverage(analyst)
        assert demo_report.has_app(analyst, APPS[0]["app_id"])
    assert {line.split()[0] for line in text.splitlines()[2:]} == demo_script.REASONS.keys()


def test_the_first_steps_name_three_addresses_and_the_largest_run(warehouse: Warehouse) -> None:
    engine = warehouse_engine(warehouse.url("loader"))
    with engine.begin() as loader:
        for run_id, days in (("demo__1", 0), ("a+b", 600)):
            counts = (days, days, 288 * days, days, days, 0, 0, 0, {"collected": days})
            record(loader, CollectionRun("agora_bandwidth_daily", run_id, datetime.now(UTC), *counts))
    engine.dispose()
    with warehouse.connect("analyst") as analyst:
        text = demo_report.format_first_steps(analyst, "http://127.0.0.1:8080")
    assert text.count("http://127.0.0.1:8080/") == 3
    assert text.endswith("/dags/agora_bandwidth_daily/runs/a%2Bb")
