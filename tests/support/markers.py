"""Markers that follow from what a test uses, and which tests `make test` leaves to `make test-all`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import ROOT

# Fixtures, and functions that a file imports: they start what the marker names.
NEEDS = {
    "postgres": {"postgres", "throwaway", "running", "shared"},
    "sandbox": {"sandbox", "module_sandbox", "target", "running_sandbox"},
    "airflow": {"live", "session_stack", "running_stack", "installation"},
}
# Files and folders whose tests are slow, by reason. A single test has `@pytest.mark.slow` instead.
SLOW_BY_REASON = {
    "Kills, full disks, concurrent loaders and simulated nights need repetitions.": (
        "tests/chaos/",
        "tests/model/",
    ),
    "Airflow needs about ten seconds for each run.": ("tests/stack/",),
    "They start an api-server, or read many points.": (
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
    "They upgrade warehouses with data, or compare every figure after each of many changes.": (
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
    "They collect from a sandbox for each test; the other files of the folder cover the main cases.": (
        "tests/bandwidth/collect/test_apps.py",
        "tests/bandwidth/collect/test_backfill.py",
        "tests/bandwidth/collect/test_clocks.py",
        "tests/bandwidth/collect/test_contradictions.py",
        "tests/bandwidth/collect/test_enough_for_a_run.py",
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
# One nightly run through a real Airflow belongs to every run of the tests.
NOT_SLOW = ("tests/stack/test_a_night.py", "tests/stack/test_policy.py")
# They start in this order, so that no process is left with a long file at the end.
LONGEST_FIRST = (
    *("tests/distributed/engine/", "tests/distributed/", "tests/stack/", "tests/chaos/", "tests/model/"),
    *("tests/deploy/local/", "tests/bandwidth/collect/", "tests/warehouse/"),
)


def add_to(item: pytest.Item) -> None:
    """Mark a test with what it needs, and as slow if its file is."""
    used = {*getattr(item, "fixturenames", ()), *vars(getattr(item, "module", item))}
    for name, starters in NEEDS.items():
        if not used.isdisjoint(starters):
            item.add_marker(name)
    if slow_file(item.path):
        item.add_marker("slow")


def slow_file(path: Path) -> bool:
    """Tell whether all tests of a file are slow."""
    name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else ""
    return name.startswith(SLOW) and path.suffix == ".py" and not name.startswith(NOT_SLOW)


def turn(item: pytest.Item) -> int:
    """Return the place of a test's file among those that take longest; the others come after them."""
    places = (place for place, start in enumerate(LONGEST_FIRST) if item.nodeid.startswith(start))
    return next(places, len(LONGEST_FIRST))
