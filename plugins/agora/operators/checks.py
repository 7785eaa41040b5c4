"""The checks of what is stored: each file of sql/checks is a task that fails where one is not true."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.providers.common.sql.operators.sql import SQLCheckOperator
from airflow.sdk import TaskGroup

from agora.hooks.warehouse import WAREHOUSE_CONN_ID

CHECKS = Path(__file__).resolve().parents[3] / "sql" / "checks"


def check_stored_data(*, trigger_rule: str = "all_success") -> TaskGroup:
    """Return the group of checks.

    Args:
        trigger_rule: When they run, seen from the tasks before them.
    """
    with TaskGroup("check") as group:
        for path in sorted(CHECKS.glob("*.sql")):
            SQLCheckOperator(
                task_id=path.stem,
                conn_id=WAREHOUSE_CONN_ID,
                sql=path.read_text("utf-8"),
                trigger_rule=trigger_rule,
                # What contradicts itself does so a little later, too; a task that was killed does not.
                retries=1,
                retry_delay=timedelta(seconds=15),
                retry_exponential_backoff=0,
            )
    return group
