"""Alerts received by a real mail server and a real web server, and the log lines for failed deliveries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from deploy.local.settings import free_port
from tests.alerts.receivers import HookServer, MailServer, serving
from tests.support.paths import ROOT

SECRET_PATH = "/hooks/T0S3CR3T/9f8e7d6c5b4a"
BOTH = {"email": ["ops@example.com", "night@example.com"], "webhook_conn_id": "agora_webhook"}


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with serving(MailServer()) as server:
        yield server


@pytest.fixture
def hook() -> Iterator[HookServer]:
    with serving(HookServer()) as server:
        yield server


def send(
    home: Path, text: str, *, mail_port: int, hook_url: str, recipients: Mapping[str, object]
) -> subprocess.CompletedProcess[str]:
    """Send an alert, with the connections and the variable set in the environment."""
    extra = {"from_email": "agora@example.com", "disable_tls": True, "disable_ssl": True, "retry_limit": 0}
    smtp = {"conn_type": "smtp", "host": "127.0.0.1", "port": mail_port, "extra": extra}
    webhook = {"conn_type": "generic", "password": hook_url}
    return subprocess.run(
        [sys.executable, "-m", "tests.alerts.send", text],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(smtp),
            "AIRFLOW_CONN_AGORA_WEBHOOK": json.dumps(webhook),
            "AIRFLOW_VAR_AGORA_ALERTS": json.dumps(recipients),
            "NO_PROXY": "127.0.0.1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )


def test_the_vendors_message_is_neither_template_nor_markup(
    tmp_path: Path, mails: MailServer, hook: HookServer
) -> None:
    text = "HTTP 500 from the vendor: {{ 7 * 7 }} <b>Störung</b> – …\r\nBcc: all@example.com"

    done = send(tmp_path, text, mail_port=mails.port, hook_url=hook.url + SECRET_PATH, recipients=BOTH)

    assert done.stdout.endswith("True"), done.stdout
    (mail,), ((path, post),) = mails.mails, hook.posts
    body = mail.get_body()
    assert body is not None
    assert body.get_content_type() == "text/html"
    assert "{{ 7 * 7 }} &lt;b&gt;Störung&lt;/b&gt; – …" in body.get_content()
    assert "{{ 7 * 7 }} &lt;b&gt;Störung&lt;/b&gt; – …" in post["text"]
    assert path == SECRET_PATH
    assert mail["To"] == "ops@example.com, night@example.com"
    assert mail["Bcc"] is None
    assert str(mail["Subject"]).endswith("{{ 7 * 7 }} <b>Störung</b> – …")
    assert (post["dag_id"], post["run_id"], post["runbook"]) == ("some_dag", "some_run", ["run-failed"])


@pytest.mark.parametrize("status", [302, 500])
def test_a_failing_webhook_is_named_without_its_url_and_the_mail_is_sent(
    tmp_path: Path, mails: MailServer, hook: HookServer, status: int
) -> None:
    hook.status = status

    done = send(tmp_path, "text", mail_port=mails.port, hook_url=hook.url + SECRET_PATH, recipients=BOTH)

    assert done.stdout.endswith("True")
    assert len(mails.mails) == 1
    assert [path for path, _ in hook.posts] == [SECRET_PATH]  # a redirect is not followed
    assert f"connection agora_webhook did not accept the alert: HTTP {status}." in done.stdout
    assert "docs/runbook.md#alert-not-sent" in done.stdout
    assert SECRET_PATH not in done.stdout


def test_a_refusing_mail_server_is_named_and_the_webhook_is_called(
    tmp_path: Path, mails: MailServer, hook: HookServer
) -> None:
    mails.refuses_recipients = True

    done = send(tmp_path, "text", mail_port=mails.port, hook_url=hook.url + SECRET_PATH, recipients=BOTH)

    assert done.stdout.endswith("True")
    assert (len(mails.mails), len(hook.posts)) == (0, 1)
    assert "connection smtp_default did not accept the alert for ops@example.com" in done.stdout
    assert "no such user" in done.stdout


def test_if_every_channel_fails_each_is_named_and_the_alert_counts_as_not_sent(tmp_path: Path) -> None:
    unused_port = free_port()
    url = f"http://127.0.0.1:{unused_port}{SECRET_PATH}"

    done = send(tmp_path, "text", mail_port=unused_port, hook_url=url, recipients=BOTH)

    assert done.stdout.endswith("False")
    assert "agora_webhook did not accept the alert: no connection (" in done.stdout
    assert "smtp_default did not accept the alert for ops@example.com" in done.stdout
    assert SECRET_PATH not in done.stdout


def test_a_plain_http_webhook_on_another_host_is_refused(tmp_path: Path) -> None:
    recipients = {"webhook_conn_id": "agora_webhook"}
    url = f"http://alerts.example.com{SECRET_PATH}"

    done = send(tmp_path, "text", mail_port=1, hook_url=url, recipients=recipients)

    assert done.stdout.endswith("False")
    assert "The connection agora_webhook is not usable as a webhook" in done.stdout
    assert SECRET_PATH not in done.stdout


def test_a_missing_connection_is_named(tmp_path: Path, mails: MailServer) -> None:
    recipients = {"email": ["ops@example.com"], "webhook_conn_id": "agora_other"}

    done = send(tmp_path, "text", mail_port=mails.port, hook_url="", recipients=recipients)

    assert "There is no connection agora_other" in done.stdout
    assert len(mails.mails) == 1
