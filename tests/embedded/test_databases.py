"""Airflow's schema is brought up to date where its database lacks it, whatever was done before."""

from __future__ import annotations

import os

from agora.warehouse.roles import SUPERUSER
from embedded import airflow_env, databases, postgres
from embedded.secrets_file import Secrets
from embedded.settings import Settings
from tests.embedded.query import query


def start(settings: Settings, secrets: Secrets) -> None:
    postgres.start_of_stack(settings, secrets)
    databases.upgrade(settings, secrets, airflow_env.build(settings, secrets, os.environ, is_demo=True))


def has_schema(settings: Settings, secrets: Secrets) -> bool:
    found = query(settings, secrets, "airflow", "airflow", "select to_regclass('dag_run') is not null")
    return found == [(True,)]


def test_a_database_that_was_lost_is_made_anew_and_one_that_is_there_is_left(
    running: Settings, secrets: Secrets
) -> None:
    start(running, secrets)
    log = running.log_dir / "airflow-migrate.log"
    log.unlink()
    start(running, secrets)
    assert not log.exists()
    query(running, secrets, SUPERUSER, "postgres", "drop database airflow")
    start(running, secrets)
    assert has_schema(running, secrets)
