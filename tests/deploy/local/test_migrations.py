"""Airflow's schema is migrated when its database lacks it, even if an earlier start migrated it."""

from __future__ import annotations

import os

from agora.warehouse.roles import SUPERUSER
from deploy.local.airflow_environment import airflow_version, build_environment
from deploy.local.migrations import migrate_both
from deploy.local.postgres_server import start_stack_cluster
from deploy.local.secret_files import Secrets
from deploy.local.settings import Settings
from tests.deploy.local.query import query


def start(settings: Settings, secrets: Secrets) -> None:
    start_stack_cluster(settings, secrets)
    migrate_both(settings, secrets, build_environment(settings, secrets, os.environ, is_demo=True))


def has_schema(settings: Settings, secrets: Secrets) -> bool:
    found = query(settings, secrets, "airflow", "airflow", "select to_regclass('dag_run') is not null")
    return found == [(True,)]


def test_a_lost_database_is_created_again_and_a_current_one_is_not_migrated(
    running: Settings, secrets: Secrets
) -> None:
    running.state_file.update(airflow_schema=[airflow_version(), "the revision of the lost database"])
    query(running, secrets, SUPERUSER, "postgres", "drop database airflow")
    start(running, secrets)
    assert has_schema(running, secrets)
    log = running.log_dir / "airflow-migrate.log"
    log.unlink()
    start(running, secrets)
    assert not log.exists()
