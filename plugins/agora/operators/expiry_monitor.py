"""The daily look at what is not collected."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator, Variable
from airflow.sdk.exceptions import AirflowFailException

from agora.dag_support.configured_alerts import configured_alerts
from agora.dag_support.dag_schedules import SCHEDULES, record_schedules
from agora.dag_support.metrics import report_standing
from agora.dag_support.params import refuse_unknown_keys
from agora.dag_support.run_notes import NOTE_KEY, noting_errors
from agora.errors import AgoraError, SettingsError
from agora.hooks.warehouse import warehouse

if TYPE_CHECKING:
    from airflow.sdk import Context

    from agora.bandwidth.expiry_monitor import Look

LOOKS_VARIABLE = "agora_watch"


class WatchOperator(BaseOperator):
    """Fails while days are about to expire, and once when days were lost; notes how things stand.

    The first look only takes note: after installation everything is uncollected for a while.
    """

    def execute(self, context: Context) -> None:
        """Look at every wanted app-day that is not collected."""
        with noting_errors(context):
            refuse_unknown_keys(context)
            late = _record_schedules(context)
            problems, text = _look(context["run_id"], datetime.now(UTC))
        note = "\n".join([*map(str, problems), text, *late])
        context["ti"].xcom_push(NOTE_KEY, note)
        if problems:
            raise AirflowFailException(note)
        self.log.info("%s", note)


def _record_schedules(context: Context) -> list[str]:
    """Record when each DAG runs next; describe those that run too late."""
    from agora.warehouse.dag_schedules import late_schedules

    with warehouse() as engine:
        record_schedules(context, engine, SCHEDULES)
        with engine.connect() as connection:
            return late_schedules(connection)


def _look(run_id: str, now: datetime) -> tuple[list[AgoraError], str]:
    """Return the problems found and how things stand; remember for the next look what this one saw."""
    from agora.bandwidth.expiry_monitor import Findings, Look
    from agora.warehouse import suspicious_responses
    from agora.warehouse.planning_queries import apps_known, lost_in_all, uncollected

    settings = configured_alerts()
    before = _look_before(run_id)
    last = before or Look(now - timedelta(days=1))
    with warehouse() as engine:
        with engine.connect() as connection:
            findings = Findings(uncollected(connection, last.at), last, settings.days_of_warning)
            apps, lost = apps_known(connection), lost_in_all(connection)
            doubtful = suspicious_responses.notes(connection, last.at)
        report_standing(engine)
    looks = {
        "run_id": run_id,
        "look": Look(now, findings.gone).to_json(),
        "before": before.to_json() if before else None,
    }
    Variable.set(LOOKS_VARIABLE, json.dumps(looks), "What agora_bandwidth_watch saw last; written by it.")
    if before and not apps:
        raise SettingsError("The warehouse knows no app: unpause agora_bandwidth_daily and trigger it.")
    return findings.problems() if before else [], "\n".join([findings.text(apps, lost), *doubtful])


def _look_before(run_id: str) -> Look | None:
    """Return what the run before this one saw; a run that is repeated must find what it found."""
    from agora.bandwidth.expiry_monitor import Look

    looks = json.loads(Variable.get(LOOKS_VARIABLE, default="null"))
    if looks is None:
        return None
    before = looks["before" if looks["run_id"] == run_id else "look"]
    return Look.from_json(before) if before else None
