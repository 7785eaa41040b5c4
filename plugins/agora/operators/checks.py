"""The checks of what is stored: the files of sql/checks, each a row of assertions that have to be true."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException

from agora.errors import RUNBOOK
from agora.hooks.warehouse import warehouse
from agora.notifiers.noted import NOTE_KEY, noted

if TYPE_CHECKING:
    from airflow.sdk import Context
    from sqlalchemy import Engine

CHECKS = Path(__file__).resolve().parents[3] / "sql" / "checks"
# What contradicts itself does so a little later, too; a task that was killed does not.
LITTLE_PATIENCE = {"retries": 1, "retry_delay": timedelta(seconds=15), "retry_exponential_backoff": 0}


class StoredDataCheckOperator(BaseOperator):
    """Runs every check, then fails if any assertion is not true, naming each check and assertion."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, **LITTLE_PATIENCE})

    def execute(self, context: Context) -> None:
        """Check what is stored."""
        with noted(context), warehouse() as engine:
            failed = [text for path in sorted(CHECKS.glob("*.sql")) if (text := self._failed(path, engine))]
        if failed:
            note = f"The stored data contradict themselves: {'; '.join(failed)}. See {RUNBOOK}#run-failed"
            context["ti"].xcom_push(NOTE_KEY, note)
            raise AirflowException(note)

    def _failed(self, path: Path, engine: Engine) -> str:
        """Run one check; return which of its assertions are not true, in words, or nothing."""
        from sqlalchemy import text

        with engine.connect() as connection:
            row = connection.execute(text(path.read_text("utf-8"))).mappings().one()
        untrue = [name for name, is_true in row.items() if not is_true]
        self.log.info("%s: %s", path.stem, f"{', '.join(untrue)} not true" if untrue else "all true")
        return f"the check {path.stem} failed ({', '.join(untrue)})" if untrue else ""
