"""Operator that fails while expected days are about to expire."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator, Variable
from airflow.sdk.exceptions import AirflowFailException

from agora.dag_support.dag_schedules import SCHEDULES, record_schedules
from agora.dag_support.metrics import report_gauges
from agora.dag_support.params import refuse_unknown_keys
from agora.dag_support.run_notes import note, noting_errors
from agora.dag_support.variables import configured_alerts
from agora.errors import AgoraError, SettingsError
from agora.hooks.warehouse import warehouse

if TYPE_CHECKING:
    from airflow.sdk import Context

    from agora.bandwidth.expiry_monitor import Check

LOOKS_VARIABLE = "agora_watch"


class ExpiryMonitorOperator(BaseOperator):
    """Fail while missing days are about to expire, and once after days were lost. Note the current state.

    The first check never fails, because nothing has been collected yet after the installation.
    """

    def execute(self, context: Context) -> None:
        """Check every expected app-day that has not been collected."""
        with noting_errors(context):
            refuse_unknown_keys(context)
            late = _record_schedules(context)
            problems, state = _check(context["run_id"], datetime.now(UTC))
        text = "\n".join([*map(str, problems), state, *late])
        note(context, text, [problem.cause for problem in problems])
        if problems:
            raise AirflowFailException(text)
        self.log.info("%s", text)


def _record_schedules(context: Context) -> list[str]:
    """Record each DAG's next run, and return a description of each DAG that runs late."""
    from agora.warehouse.dag_schedules import late_schedules

    with warehouse() as engine:
        record_schedules(context, engine, SCHEDULES)
        with engine.connect() as connection:
            return late_schedules(connection)


def _check(run_id: str, now: datetime) -> tuple[list[AgoraError], str]:
    """Store the findings for the next check, and return the problems and a description of the state."""
    from agora.bandwidth.expiry_monitor import Check, Findings
    from agora.warehouse import suspicious_responses
    from agora.warehouse.planning_queries import count_apps, count_lost_days, incomplete_days

    settings = configured_alerts()
    before = _previous_check(run_id)
    last = before or Check(now - timedelta(days=1))
    with warehouse() as engine:
        with engine.connect() as connection:
            findings = Findings(incomplete_days(connection, last.at), last, settings.days_of_warning)
            apps, lost = count_apps(connection), count_lost_days(connection)
            doubtful = suspicious_responses.describe(connection, last.at)
        report_gauges(engine)
    looks = {
        "run_id": run_id,
        "look": Check(now, findings.gone).to_json(),
        "before": before.to_json() if before else None,
    }
    Variable.set(
        LOOKS_VARIABLE,
        json.dumps(looks),
        "Findings of the last run of agora_bandwidth_watch. Written by the DAG.",
    )
    if before and not apps:
        raise SettingsError("The warehouse has no apps. Unpause agora_bandwidth_daily and trigger it.")
    return findings.problems() if before else [], "\n".join([findings.text(apps, lost), *doubtful])


def _previous_check(run_id: str) -> Check | None:
    """Return the findings of the previous run. A repeated run gets the same findings as its first try."""
    from agora.bandwidth.expiry_monitor import Check

    looks = json.loads(Variable.get(LOOKS_VARIABLE, default="null"))
    if looks is None:
        return None
    before = looks["before" if looks["run_id"] == run_id else "look"]
    return Check.from_json(before) if before else None
