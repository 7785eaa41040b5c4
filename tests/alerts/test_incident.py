"""One alert per incident: which failed runs belong to one incident, and when an alert is repeated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from agora.alerts.incident import Failure, Message, SentAlert, message
from agora.domain import Cause

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 22, 1, 40, tzinfo=UTC)
REFUSED = (
    "App a1, 2026-11-21, connection agora_dashboard: HTTP 401. Fix the connection agora_dashboard."
    " See docs/runbook.md#credentials-refused"
)


CAUSES = (Cause("CredentialsRefused", "agora_dashboard"),)


def failure(text: str = REFUSED, causes: Sequence[Cause] = CAUSES) -> Failure:
    url = "https://airflow.example.com/dags/x/runs/some_run"
    return Failure("agora_bandwidth_daily", "some_run", url, text, causes)


def alert_for(text: str, last: SentAlert | None, now: datetime, causes: Sequence[Cause] = CAUSES) -> Message:
    alert = message(failure(text, causes), last, now)
    assert alert is not None
    return alert


def test_an_alert_names_the_failure_the_run_and_the_runbook_entry() -> None:
    alert = alert_for(REFUSED, None, NOW)
    assert alert.subject.startswith("agora_bandwidth_daily failed: App a1, 2026-11-21")
    assert len(alert.subject) <= 121
    assert REFUSED in alert.text
    assert "Run: https://airflow.example.com/dags/x/runs/some_run" in alert.text
    assert "Runbook: docs/runbook.md#credentials-refused" in alert.text


def test_a_subject_is_a_single_line() -> None:
    for end in ("\n", "\r\n", "\r", "\x0b", "\u2028"):
        assert (
            alert_for(f"Short.{end}Bcc: all@example.com", None, NOW).subject
            == "agora_bandwidth_daily failed: Short."
        )


def test_a_run_without_a_cause_links_the_entry_for_failed_runs() -> None:
    assert "Runbook: docs/runbook.md#run-failed" in alert_for("The run left no note.", None, NOW, ()).text
    assert alert_for("", None, NOW, ()).subject == "agora_bandwidth_daily failed: "


def test_several_kinds_of_failure_link_several_entries() -> None:
    causes = [*CAUSES, Cause("UnknownApp"), Cause("DayRefused"), Cause("DayRefused", "other")]
    assert failure(causes=causes).entries == ["credentials-refused", "day-refused", "unknown-app"]


@pytest.mark.parametrize("text", ["", "See docs/runbook.md#unknown-app", "Check the connection other."])
def test_the_note_text_does_not_identify_the_incident(text: str) -> None:
    assert failure(text).incident == ["agora_dashboard", "credentials-refused"]
    assert failure(text, ()).incident == ["run-failed"]


def test_the_same_failure_on_the_next_night_sends_a_short_reminder() -> None:
    first = alert_for(REFUSED, None, NOW)
    next_night = REFUSED.replace("2026-11-21", "2026-11-22").replace("App a1", "App b2") + "\n" + "x" * 3000
    alert = alert_for(next_night, first.sent, NOW + timedelta(hours=23))
    assert alert.subject.startswith(
        "agora_bandwidth_daily has been failing since 2026-11-22 01:40 UTC: App b2"
    )
    assert len(alert.text) < 800
    assert "Runbook: docs/runbook.md#credentials-refused" in alert.text
    assert alert.sent == SentAlert(first.sent.incident, NOW, NOW + timedelta(hours=23))


def test_reminders_are_sent_at_most_once_per_day() -> None:
    last = alert_for(REFUSED, None, NOW).sent
    assert message(failure(), last, NOW + timedelta(hours=19)) is None
    assert message(failure(), last, NOW + timedelta(hours=20)) is not None


def test_another_cause_or_account_is_a_new_incident() -> None:
    last = alert_for(REFUSED, None, NOW).sent
    for other in (Cause("RateLimited", "agora_dashboard"), Cause("CredentialsRefused", "agora_two")):
        alert = alert_for(REFUSED, last, NOW + timedelta(minutes=1), [other])
        assert "still" not in alert.subject
        assert alert.sent.since == NOW + timedelta(minutes=1)


def test_a_sent_alert_survives_serialization() -> None:
    last = alert_for(REFUSED, None, NOW).sent
    assert last.incident == ["agora_dashboard", "credentials-refused"]
    assert SentAlert.from_json(json.loads(json.dumps(last.to_json()))) == last


def test_an_alert_links_to_a_published_runbook() -> None:
    failed = replace(failure(), runbook="https://docs.example.com/runbook.md")
    alert = message(failed, None, NOW)
    assert alert is not None
    assert alert.text.endswith("Runbook: https://docs.example.com/runbook.md#credentials-refused")
