"""Callbacks of every DAG: a run that failed is told of once, a run that succeeded ends the incident.

Airflow calls them in the DAG processor after a run has ended, so they cannot change what became of it; what
goes wrong here stands in the log of the DAG's file there. See docs/adr/0006-alerts-from-the-dag-processor.md.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.sdk import Variable
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowException

from agora.alerts.incident import Failure, Message, Told, message
from agora.alerts.settings import AlertSettings
from agora.dag_support.configured_alerts import configured_alerts, webhook
from agora.dag_support.run_notes import NOTE_KEY, merge_notes
from agora.errors import AgoraError, AlertNotSent

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

ENDED = {"timed_out": "The run took longer than it may and was stopped."}


def notify_failure(context: Context) -> None:
    """Tell people of a failed run, if the variable `agora_alerts` names any and they do not know yet.

    A way that fails is an error in the log and keeps no other way from working.

    Raises:
        SettingsError: `agora_alerts` is not usable.
    """
    settings = configured_alerts()
    if not (settings.email or settings.webhook_conn_id):
        return
    failure = _failure(context)
    news = message(failure, _told(failure.dag_id), datetime.now(UTC))
    if news is None:
        return
    if _send(settings, news, failure):
        Variable.set(
            _memory_of(failure.dag_id),
            json.dumps(news.told.to_json()),
            "What people were last told of this DAG: written by its callbacks, gone when a run succeeds.",
        )


def resolve_incident(context: Context) -> None:
    """Forget what was told of a DAG: its next failure is a new incident."""
    memory = _memory_of(context["dag"].dag_id)
    if Variable.get(memory, default=None) is not None:
        Variable.delete(memory)


def _memory_of(dag_id: str) -> str:
    return f"agora_told_{dag_id}"


def _told(dag_id: str) -> Told | None:
    value = Variable.get(_memory_of(dag_id), default=None)
    return Told.from_json(json.loads(value)) if value else None


def _failure(context: Context) -> Failure:
    dag, run_id = context["dag"], context["run_id"]
    base = conf.get("api", "base_url", fallback="").rstrip("/")
    text = "\n".join(filter(None, [ENDED.get(str(context.get("reason"))), _note(context)]))
    return Failure(dag.dag_id, run_id, f"{base}/dags/{dag.dag_id}/runs/{quote(run_id)}", text)


def _note(context: Mapping[str, Any]) -> str:
    """Return what the run's tasks noted, the fullest of it, as the note on the run has it."""
    # Airflow names no task where it knows none to blame.
    ti = context.get("ti")
    if ti is None:
        return "It noted nothing."
    notes = ti.xcom_pull(task_ids=list(context["dag"].task_ids), key=NOTE_KEY)
    return merge_notes(notes) or f"It noted nothing; the log of the task {ti.task_id} says why."


def _send(settings: AlertSettings, news: Message, failure: Failure) -> bool:
    """Send it every way there is, whatever becomes of the other; tell whether one of them worked."""
    sent = False
    for way in (_post, _mail):
        try:
            sent = way(settings, news, failure) or sent
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
    # Not its SmtpNotifier: that takes what it sends for a template, and the vendor's words are in it.
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    if not settings.email:
        return False
    try:
        with SmtpHook(settings.smtp_conn_id) as smtp:
            smtp.send_email_smtp(
                to=list(settings.email),
                subject=news.subject,
                html_content=f'<pre style="white-space: pre-wrap">{escape(news.text)}</pre>',
            )
    except (AirflowException, OSError, RuntimeError, ValueError) as error:
        raise AlertNotSent(
            f"The mail server of the connection {settings.smtp_conn_id} did not take the alert for"
            f" {', '.join(settings.email)}: {type(error).__name__}, {error}"
        ) from None
    return True
