"""Alerts received by a real mail server and a real web server, and the log lines for failed deliveries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from deploy.local.settings import free_port
from tests.alerts.receivers import MAIL_PASSWORD, HookServer, MailServer, serving
from tests.client.certificates import Authority
from tests.support.paths import ROOT

SECRET_PATH = "/hooks/T0S3CR3T/9f8e7d6c5b4a"
BOTH = {"email": ["ops@example.com", "night@example.com"], "webhook_conn_id": "agora_webhook"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def mails(authority: Authority) -> Iterator[MailServer]:
    with MailServer(authority) as server:
        yield server


@pytest.fixture
def hook() -> Iterator[HookServer]:
    with serving(HookServer()) as server:
        yield server


def send(
    home: Path,
    text: str,
    *,
    mails: MailServer,
    hook_url: str,
    recipients: Mapping[str, object],
    **connection: object,
) -> subprocess.CompletedProcess[str]:
    """Send an alert, with the connections and the variable set in the environment."""
    webhook = {"conn_type": "generic", "password": hook_url}
    return subprocess.run(
        [sys.executable, "-m", "tests.alerts.send", text],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}",
            "AIRFLOW_HOME": str(home),
            "AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(mails.connection(**connection)),
            "AIRFLOW_CONN_AGORA_WEBHOOK": json.dumps(webhook),
            "AIRFLOW_VAR_AGORA_ALERTS": json.dumps(recipients),
            "NO_PROXY": "127.0.0.1",
            "SSL_CERT_FILE": str(mails.ca_file),
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

    done = send(tmp_path, text, mails=mails, hook_url=hook.url + SECRET_PATH, recipients=BOTH)

    assert done.stdout.endswith("True"), done.stdout
    mail, ((path, post),) = mails.mails[0], hook.posts
    body = mail.get_body()
    assert body is not None
    assert body.get_content_type() == "text/html"
    assert "{{ 7 * 7 }} &lt;b&gt;Störung&lt;/b&gt; – …" in body.get_content()
    assert "{{ 7 * 7 }} &lt;b&gt;Störung&lt;/b&gt; – …" in post["text"]
    assert path == SECRET_PATH
    assert [mail["To"] for mail in mails.mails] == BOTH["email"]
    assert mail["Bcc"] is None
    assert str(mail["Subject"]).endswith("{{ 7 * 7 }} <b>Störung</b> – …")
    assert (post["dag_id"], post["run_id"], post["runbook"]) == ("some_dag", "some_run", ["run-failed"])


@pytest.mark.parametrize("status", [302, 500])
def test_a_failing_webhook_is_named_without_its_url_and_the_mail_is_sent(
    tmp_path: Path, mails: MailServer, hook: HookServer, status: int
) -> None:
    hook.status = status

    done = send(tmp_path, "text", mails=mails, hook_url=hook.url + SECRET_PATH, recipients=BOTH)

    assert done.stdout.endswith("True")
    assert len(mails.mails) == 2
    assert [path for path, _ in hook.posts] == [SECRET_PATH]  # a redirect is not followed
    assert f"connection agora_webhook did not accept the alert: HTTP {status}." in done.stdout
    assert "docs/runbook.md#alert-not-sent" in done.stdout
    assert SECRET_PATH not in done.stdout


def test_a_refused_recipient_is_named_and_the_others_get_the_mail(
    tmp_path: Path, mails: MailServer, hook: HookServer
) -> None:
    mails.refused = {"ops@example.com"}

    done = send(tmp_path, "text", mails=mails, hook_url=hook.url + SECRET_PATH, recipients=BOTH)

    assert done.stdout.endswith("True")
    assert [mail["To"] for mail in mails.mails] == ["night@example.com"]
    assert len(hook.posts) == 1
    assert "connection smtp_default did not accept the alert for ops@example.com: " in done.stdout
    assert "no such user" in done.stdout
    assert "alert for night@example.com" not in done.stdout


def test_tls_from_the_start_works_with_the_documented_settings(tmp_path: Path, authority: Authority) -> None:
    with MailServer(authority, implicit_tls=True) as mails:
        done = send(tmp_path, "text", mails=mails, hook_url="", recipients={"email": ["ops@example.com"]})

    assert done.stdout.endswith("True"), done.stdout
    assert len(mails.mails) == 1


@pytest.mark.parametrize(
    ("connection", "reason"),
    [
        ({"password": "some other w0rd"}, "SMTPAuthenticationError, (535,"),
        ({"host": "localhost"}, "Hostname mismatch, certificate is not valid for 'localhost'"),
        (
            {"extra": {"from_email": "a@example.com", "disable_ssl": True, "disable_tls": True}},
            "AUTH extension not",
        ),
    ],
)
def test_a_rejected_login_or_wrong_security_is_named_without_the_password(
    tmp_path: Path, mails: MailServer, connection: dict[str, Any], reason: str
) -> None:
    recipients = {"email": ["ops@example.com"]}

    done = send(tmp_path, "text", mails=mails, hook_url="", recipients=recipients, **connection)

    assert done.stdout.endswith("False")
    assert "connection smtp_default did not accept the alert for ops@example.com: " in done.stdout
    assert reason in done.stdout
    assert MAIL_PASSWORD not in done.stdout
    assert "some other w0rd" not in done.stdout
    assert mails.mails == []


def test_an_unknown_certificate_authority_is_named(tmp_path: Path, mails: MailServer) -> None:
    mails.ca_file = Authority(tmp_path, "another authority").ca_file

    done = send(tmp_path, "text", mails=mails, hook_url="", recipients={"email": ["ops@example.com"]})

    assert done.stdout.endswith("False")
    assert "certificate verify failed: unable to get local issuer certificate" in done.stdout
    assert mails.mails == []


def test_if_every_channel_fails_each_is_named_and_the_alert_counts_as_not_sent(
    tmp_path: Path, mails: MailServer
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}{SECRET_PATH}"

    done = send(tmp_path, "text", mails=mails, hook_url=url, recipients=BOTH, port=port)

    assert done.stdout.endswith("False")
    assert "agora_webhook did not accept the alert: no connection (" in done.stdout
    assert "smtp_default did not accept the alert for ops@example.com, night@example.com: " in done.stdout
    assert SECRET_PATH not in done.stdout


def test_a_plain_http_webhook_on_another_host_is_refused(tmp_path: Path, mails: MailServer) -> None:
    recipients = {"webhook_conn_id": "agora_webhook"}
    url = f"http://alerts.example.com{SECRET_PATH}"

    done = send(tmp_path, "text", mails=mails, hook_url=url, recipients=recipients)

    assert done.stdout.endswith("False")
    assert "The connection agora_webhook is not usable as a webhook" in done.stdout
    assert SECRET_PATH not in done.stdout


def test_a_missing_connection_is_named(tmp_path: Path, mails: MailServer) -> None:
    recipients = {"email": ["ops@example.com"], "webhook_conn_id": "agora_other"}

    done = send(tmp_path, "text", mails=mails, hook_url="", recipients=recipients)

    assert "There is no connection agora_other" in done.stdout
    assert len(mails.mails) == 1
