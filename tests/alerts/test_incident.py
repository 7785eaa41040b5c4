"""One alert per incident: which failed runs belong to one incident, and when an alert is repeated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from agora.alerts.incident import Failure, Message, SentAlert, message
from agora.domain import Cause

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 22, 1, 40, tzinfo=UTC)
REFUSED = (
    "App a1, 2026-11-21, connection agora_dashboard: HTTP 401. Mend the connection agora_dashboard."
    " See docs/runbook.md#credentials-refused"
)


CAUSES = (Cause("CredentialsRefused", "agora_dashboard"),)


def failure(text: str = REFUSED, causes: Sequence[Cause] = CAUSES) -> Failure:
    url = "https://airflow.example.com/dags/x/runs/some_run"
    return Failure("agora_bandwidth_daily", "some_run", url, text, causes)


def said(text: str, told: SentAlert | None, now: datetime, causes: Sequence[Cause] = CAUSES) -> Message:
    news = message(failure(text, causes), told, now)
    assert news is not None
    return news


def test_a_message_says_what_happened_where_to_look_and_what_to_do() -> None:
    news = said(REFUSED, None, NOW)
    assert news.subject.startswith("agora_bandwidth_daily failed: App a1, 2026-11-21")
    assert len(news.subject) <= 121
    assert REFUSED in news.text
    assert "Run: https://airflow.example.com/dags/x/runs/some_run" in news.text
    assert "Runbook: docs/runbook.md#credentials-refused" in news.text


def test_a_subject_is_one_line_whatever_the_vendor_says() -> None:
    for end in ("\n", "\r\n", "\r", "\x0b", "\u2028"):
        assert (
            said(f"Short.{end}Bcc: all@example.com", None, NOW).subject
            == "agora_bandwidth_daily failed: Short."
        )


def test_a_run_without_a_cause_refers_to_the_entry_for_failed_runs() -> None:
    assert "Runbook: docs/runbook.md#run-failed" in said("The run left no note.", None, NOW, ()).text
    assert said("", None, NOW, ()).subject == "agora_bandwidth_daily failed: "


def test_several_kinds_of_failure_refer_to_several_entries() -> None:
    causes = [*CAUSES, Cause("UnknownApp"), Cause("DayRefused"), Cause("DayRefused", "other")]
    assert failure(causes=causes).entries == ["credentials-refused", "day-refused", "unknown-app"]


@pytest.mark.parametrize("text", ["", "See docs/runbook.md#unknown-app", "Check the connection other."])
def test_the_text_of_a_note_is_not_part_of_the_identity(text: str) -> None:
    assert failure(text).incident == ["agora_dashboard", "credentials-refused"]
    assert failure(text, ()).incident == ["run-failed"]


def test_the_same_on_the_next_night_goes_on_and_is_short() -> None:
    first = said(REFUSED, None, NOW)
    next_night = REFUSED.replace("2026-11-21", "2026-11-22").replace("App a1", "App b2") + "\n" + "x" * 3000
    news = said(next_night, first.sent, NOW + timedelta(hours=23))
    assert news.subject.startswith(
        "agora_bandwidth_daily has been failing since 2026-11-22 01:40 UTC: App b2"
    )
    assert len(news.text) < 800
    assert "Runbook: docs/runbook.md#credentials-refused" in news.text
    assert news.sent == SentAlert(first.sent.incident, NOW, NOW + timedelta(hours=23))


def test_it_is_not_said_twice_a_day() -> None:
    told = said(REFUSED, None, NOW).sent
    assert message(failure(), told, NOW + timedelta(hours=19)) is None
    assert message(failure(), told, NOW + timedelta(hours=20)) is not None


def test_another_kind_or_another_account_is_another_incident_at_once() -> None:
    told = said(REFUSED, None, NOW).sent
    for other in (Cause("RateLimited", "agora_dashboard"), Cause("CredentialsRefused", "agora_two")):
        news = said(REFUSED, told, NOW + timedelta(minutes=1), [other])
        assert "still" not in news.subject
        assert news.sent.since == NOW + timedelta(minutes=1)


def test_what_was_told_survives_being_kept() -> None:
    told = said(REFUSED, None, NOW).sent
    assert told.incident == ["agora_dashboard", "credentials-refused"]
    assert SentAlert.from_json(json.loads(json.dumps(told.to_json()))) == told
