"""DAG callbacks that send an alert when a run fails and resolve the incident when a run succeeds.

Airflow calls them in the DAG processor after a run has ended, so they cannot change the run's state. Their
errors appear in the DAG processor's log for the DAG file. See docs/adr/0006-alerts-from-the-dag-processor.md.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import Variable
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException

from agora.alerts.incident import Failure, Message, SentAlert, message
from agora.dag_support.run_notes import CAUSES_KEY, NOTE_KEY, SUMMARY_KEY, join_notes, runbook
from agora.dag_support.variables import configured_alerts, webhook
from agora.domain import Cause
from agora.errors import AgoraError, AlertNotSent

if TYPE_CHECKING:
    from airflow.sdk import Context

    from agora.settings.alerts import AlertSettings

log = logging.getLogger(__name__)

END_REASONS = {"timed_out": "The run exceeded its time limit and was stopped."}


def notify_failure(context: Context) -> None:
    """Send an alert for a failed run if `agora_alerts` sets recipients and an alert or reminder is due.

    If one channel fails, its error is logged and the other channel is still used.

    Raises:
        SettingsError: `agora_alerts` is invalid.
    """
    settings = configured_alerts()
    if not (settings.email or settings.webhook_conn_id):
        return
    failure = _failure(context)
    news = message(failure, _last_alert(failure.dag_id), datetime.now(UTC))
    if news is None:
        return
    if _send(settings, news, failure):
        Variable.set(
            _history_variable(failure.dag_id),
            json.dumps(news.sent.to_json()),
            "Last alert sent for this DAG. Written by its callbacks and deleted when a run succeeds.",
        )


def resolve_incident(context: Context) -> None:
    """Clear a DAG's notification history, so that its next failure counts as a new incident."""
    variable = _history_variable(context["dag"].dag_id)
    if Variable.get(variable, default=None) is not None:
        Variable.delete(variable)


def _history_variable(dag_id: str) -> str:
    return f"agora_told_{dag_id}"


def _last_alert(dag_id: str) -> SentAlert | None:
    value = Variable.get(_history_variable(dag_id), default=None)
    return SentAlert.from_json(json.loads(value)) if value else None


def _failure(context: Context) -> Failure:
    dag, run_id = context["dag"], context["run_id"]
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    note, causes = _note_and_causes(context)
    text = "\n".join(filter(None, [END_REASONS.get(str(context.get("reason"))), note]))
    url = f"{base}/dags/{dag.dag_id}/runs/{quote(run_id)}"
    return Failure(dag.dag_id, run_id, url, text, causes, runbook())


def _note_and_causes(context: Mapping[str, Any]) -> tuple[str, set[Cause]]:
    """Return the run note's text and the causes that the run's tasks recorded."""
    # Airflow passes no task instance if no task caused the failure.
    ti = context.get("ti")
    if ti is None:
        return "The run left no note.", set()
    task_ids = list(context["dag"].task_ids)
    summaries, notes, causes = (
        ti.xcom_pull(task_ids=task_ids, key=key) for key in (SUMMARY_KEY, NOTE_KEY, CAUSES_KEY)
    )
    note = join_notes(summaries, notes) or f"The run left no note. See the log of the task {ti.task_id}."
    return note, {Cause(*cause) for of_task in causes if of_task for cause in of_task}


def _send(settings: AlertSettings, news: Message, failure: Failure) -> bool:
    """Send the alert over every configured channel, and return whether at least one channel accepted it."""
    sent = False
    for send in (_post, _mail):
        try:
            sent = send(settings, news, failure) or sent
        except AgoraError as error:
            log.error("%s", error)
    return sent


def _post(settings: AlertSettings, news: Message, failure: Failure) -> bool:
    from agora.alerts.webhook import post

    if not settings.webhook_conn_id:
        return False
    url, proxy = webhook(settings.webhook_conn_id)
    asyncio.run(post(url, news, failure, settings.webhook_conn_id, proxy))
    return True


def _mail(settings: AlertSettings, news: Message, failure: Failure) -> bool:
    """Send one mail per recipient, because a mail server may refuse some of the recipients."""
    # SmtpNotifier would render the vendor's message as a template.
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    if not settings.email:
        return False
    conn_id, accepted = settings.smtp_conn_id, 0
    with _explaining_mail_errors(conn_id, *settings.email), SmtpHook(conn_id) as smtp:
        for address in settings.email:
            try:
                with _explaining_mail_errors(conn_id, address):
                    smtp.send_email_smtp(
                        to=[address],
                        subject=news.subject,
                        html_content=f'<pre style="white-space: pre-wrap">{escape(news.text)}</pre>',
                    )
                accepted += 1
            except AlertNotSent as error:
                log.error("%s", error)
    return accepted > 0


@contextmanager
def _explaining_mail_errors(conn_id: str, *recipients: str) -> Iterator[None]:
    try:
        yield
    except (AirflowException, OSError, RuntimeError, ValueError) as error:
        raise AlertNotSent(
            f"The mail server of the connection {conn_id} did not accept the alert for"
            f" {', '.join(recipients)}: {type(error).__name__}, {error}"
        ) from None
