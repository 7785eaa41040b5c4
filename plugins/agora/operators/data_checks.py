"""Operators that run the assertions in sql/checks and compare stored points with their responses."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from agora.dag_support.metrics import report_duration
from agora.dag_support.run_notes import note, noting_errors
from agora.errors import RUNBOOK
from agora.hooks.warehouse import warehouse
from agora.resources import SQL

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Connection
    from sqlalchemy.exc import DBAPIError

CHECKS = SQL / "checks"
# A failed assertion would fail again. The only retry is for a task that was killed.
ONE_QUICK_RETRY = {"retries": 1, "retry_delay": timedelta(seconds=15), "retry_exponential_backoff": 0}


class StoredDataCheckOperator(BaseOperator):
    """Run every check, then fail with the names of the failed assertions and of checks that could not run."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, **ONE_QUICK_RETRY})

    def execute(self, context: Context) -> None:
        """Check the stored data."""
        from sqlalchemy.exc import DBAPIError

        failed, not_run = [], []
        with (
            noting_errors(context),
            report_duration("check"),
            warehouse() as engine,
            engine.connect() as connection,
        ):
            for path in sorted(CHECKS.glob("*.sql")):
                try:
                    untrue = self._untrue(path, connection)
                except DBAPIError as error:
                    not_run.append(f"the check {path.stem} could not run ({_reason(error)})")
                    continue
                if untrue:
                    failed.append(f"the check {path.stem} failed ({', '.join(untrue)})")
        if failed or not_run:
            text = _failures(failed, not_run)
            note(context, text)
            raise AirflowException(text)

    def _untrue(self, path: Path, connection: Connection) -> list[str]:
        """Run one check and return the names of its failed assertions."""
        from sqlalchemy import text

        with connection.begin():
            row = connection.execute(text(path.read_text("utf-8"))).mappings().one()
        untrue = [name for name, is_true in row.items() if not is_true]
        self.log.info("%s: %s", path.stem, f"{', '.join(untrue)} not true" if untrue else "all true")
        return untrue


class StoredPointsCheckOperator(BaseOperator):
    """Compare stored points with their stored responses, then fail and list the app-days that differ.

    The comparison covers all app-days of the last 62 days and a random sample of older ones.
    """

    def execute(self, context: Context) -> None:
        """Compare points with responses."""
        from agora.bandwidth.audit import compare

        with noting_errors(context), warehouse() as engine:
            comparison = compare(engine)
        if comparison.differing:
            text = f"{comparison} See {RUNBOOK}#run-failed"
            note(context, text)
            raise AirflowFailException(text)
        note(context, str(comparison))
        self.log.info("%s", comparison)


def _reason(error: DBAPIError) -> str:
    return (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]


def _failures(failed: list[str], not_run: list[str]) -> str:
    sentences = [
        f"{what}: {'; '.join(checks)}."
        for what, checks in (
            ("The stored data contradicts itself", failed),
            ("The stored data could not be checked in full", not_run),
        )
        if checks
    ]
    return " ".join([*sentences, f"See {RUNBOOK}#run-failed"])
