"""Set markers according to what a test uses, and select the tests that only `make test-all` runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import ROOT

# Per marker: fixtures and imported functions that start the server named by the marker.
NEEDS = {
    "postgres": {"postgres", "throwaway", "running", "shared"},
    "sandbox": {"sandbox", "module_sandbox", "target", "running_sandbox"},
    "airflow": {"live", "session_stack", "running_stack", "installation"},
}
# Files and folders of slow tests, by reason. A single slow test is marked with `@pytest.mark.slow`.
SLOW_BY_REASON = {
    "Kills, full disks, concurrent loaders and simulated nights need repetitions.": (
        "tests/chaos/",
        "tests/model/",
    ),
    "Airflow needs about ten seconds for each run.": ("tests/stack/",),
    "They run Celery workers or containers.": ("tests/distributed/",),
    "They start an api-server or read many points.": (
        "tests/web/test_busy_page.py",
        "tests/web/test_large_volumes.py",
        "tests/web/test_mount.py",
        "tests/web/test_traffic_report.py",
    ),
    "They start PostgreSQL servers with settings of their own.": (
        "tests/bandwidth/collect/test_logical_replication.py",
        "tests/bandwidth/collect/test_managed_server.py",
        "tests/bandwidth/collect/test_restore.py",
        "tests/deploy/local/test_commands.py",
        "tests/deploy/local/test_migrations.py",
        "tests/deploy/local/test_postgres_",
        "tests/deploy/local/test_secret_files.py",
        "tests/warehouse/test_hostile_defaults.py",
        "tests/warehouse/test_other_languages.py",
        "tests/warehouse/test_pooler.py",
        "tests/warehouse/test_server_guard.py",
    ),
    "They upgrade warehouses that contain data, or compare every figure after each of many changes.": (
        "tests/warehouse/test_billing_total.py",
        "tests/warehouse/test_examples_over_time.py",
        "tests/warehouse/test_rebuild.py",
        "tests/warehouse/test_retention.py",
        "tests/warehouse/test_stored_aggregates.py",
        "tests/warehouse/test_upgrade_",
    ),
    "They start a process for each test.": (
        "tests/alerts/test_sending.py",
        "tests/docs/test_vendor_api_commands.py",
        "tests/deploy/local/test_isolation.py",
    ),
    "They send thousands of generated requests.": ("tests/sandbox/openapi/test_generated_requests.py",),
    "They start a sandbox for each test. The other files in the folder cover the main cases.": (
        "tests/bandwidth/collect/test_apps.py",
        "tests/bandwidth/collect/test_backfill.py",
        "tests/bandwidth/collect/test_clocks.py",
        "tests/bandwidth/collect/test_contradictions.py",
        "tests/bandwidth/collect/test_run_size.py",
        "tests/bandwidth/collect/test_foreign_apps.py",
        "tests/bandwidth/collect/test_memory.py",
        "tests/bandwidth/collect/test_moved_apps.py",
        "tests/bandwidth/collect/test_network.py",
        "tests/bandwidth/collect/test_one_app_throttled.py",
        "tests/bandwidth/collect/test_outages.py",
        "tests/bandwidth/collect/test_rate_limit.py",
        "tests/bandwidth/collect/test_real_link.py",
        "tests/bandwidth/collect/test_replay.py",
        "tests/bandwidth/collect/test_restatement.py",
        "tests/bandwidth/collect/test_same_bodies.py",
        "tests/bandwidth/collect/test_short_windows.py",
        "tests/bandwidth/collect/test_tampered_points.py",
        "tests/bandwidth/collect/test_window_edge.py",
        "tests/bandwidth/collect/test_wire_poison.py",
    ),
}
SLOW = tuple(start for starts in SLOW_BY_REASON.values() for start in starts)
# Every test run includes one nightly run in a real Airflow.
NOT_SLOW = ("tests/stack/test_a_night.py", "tests/stack/test_policy.py")
# Long folders start first, in this order, so that no process starts a long file at the end.
LONGEST_FIRST = (
    *("tests/distributed/engine/", "tests/distributed/", "tests/stack/", "tests/chaos/", "tests/model/"),
    *("tests/deploy/local/", "tests/bandwidth/collect/", "tests/warehouse/"),
)


def add_markers(item: pytest.Item) -> None:
    """Mark a test with the servers it needs, and as slow if its file is slow."""
    used = {*getattr(item, "fixturenames", ()), *vars(getattr(item, "module", item))}
    for name, starters in NEEDS.items():
        if not used.isdisjoint(starters):
            item.add_marker(name)
    if is_slow_file(item.path):
        item.add_marker("slow")


def is_slow_file(path: Path) -> bool:
    """Return whether all tests in a file are slow."""
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else ""
    return name.startswith(SLOW) and path.suffix == ".py" and not name.startswith(NOT_SLOW)


def start_order(item: pytest.Item) -> int:
    """Return the sort key that starts tests from the longest folders first."""
    places = (place for place, start in enumerate(LONGEST_FIRST) if item.nodeid.startswith(start))
    return next(places, len(LONGEST_FIRST))
