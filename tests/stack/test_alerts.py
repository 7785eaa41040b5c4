"""Alerts for failed runs, and the daily watch, through Airflow's own scheduler and DAG processor."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.alerts.receivers import HookServer, MailServer, serving
from tests.client.certificates import Authority
from tests.stack.stack import LiveStack

DAILY = "agora_bandwidth_daily"
WATCH = "agora_bandwidth_watch"
SECRET_PATH = "/hooks/T0S3CR3T/9f8e7d6c5b4a"
VARIABLES = ("agora_alerts", "agora_watch", f"agora_told_{DAILY}", f"agora_told_{WATCH}")
SECONDS = 60
PREVIOUS_CHECK = {"run_id": "", "look": {"at": str(datetime.now(UTC) - timedelta(days=1)), "gone": {}}}


@pytest.fixture(scope="module")
def _watching(session_stack: LiveStack) -> None:
    """Wait for the watch's first scheduled run, which starts on its own."""
    path = f"/api/v2/dags/{WATCH}/dagRuns?run_type=scheduled"
    wait_until(lambda: session_stack.call("GET", path)["dag_runs"])
    session_stack.wait_for_run(WATCH, session_stack.call("GET", path)["dag_runs"][0]["dag_run_id"])


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[MailServer]:
    with MailServer(Authority(tmp_path)) as server:
        yield server


@pytest.fixture
def hook() -> Iterator[HookServer]:
    with serving(HookServer()) as server:
        yield server


@pytest.fixture
def alerting(_watching: None, live: LiveStack, mails: MailServer, hook: HookServer) -> Iterator[LiveStack]:
    """Yield the stack with email and webhook alerts enabled, and without a notification history."""
    mail = mails.connection()
    # The stack trusts only the system's certificate authorities.
    mail["extra"] = json.dumps({**mail["extra"], "ssl_context": "none"})
    live.api.put_connection("agora_mail", **mail)
    live.api.put_connection("agora_webhook", conn_type="generic", password=hook.url + SECRET_PATH)
    targets = {
        "email": ["ops@example.com"],
        "smtp_conn_id": "agora_mail",
        "webhook_conn_id": "agora_webhook",
    }
    delete_variables(live, *VARIABLES)
    live.api.create_variable("agora_alerts", json.dumps(targets), "")
    live.api.create_variable("agora_watch", json.dumps(PREVIOUS_CHECK), "")
    yield live
    delete_variables(live, *VARIABLES)


def delete_variables(live: LiveStack, *variables: str) -> None:
    for variable in variables:
        if live.api.variable(variable) is not None:
            live.call("DELETE", f"/api/v2/variables/{variable}")


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"the condition does not hold after {SECONDS} s"
        time.sleep(0.2)


def expect_app_days(live: LiveStack, first: str, last: str = "current_date - 1") -> None:
    """Make twenty apps expected for a range of days, none of which has been requested."""
    live.sql("truncate core.vendor_account cascade")
    live.sql(
        "insert into core.vendor_account (conn_id, timezone, window_length)"
        " values ('agora_dashboard', 'UTC', interval '1 month')"
    )
    live.sql(
        "insert into core.app (app_id, name, conn_id, wanted)"
        " select 'app' || n, 'app' || n, 'agora_dashboard', datemultirange(daterange"
        f" ({first}, {last}, '[]')) from generate_series(1, 20) as n"
    )


def test_twenty_apps_with_expiring_days_cause_one_message_until_resolved(
    alerting: LiveStack, mails: MailServer, hook: HookServer
) -> None:
    expect_app_days(alerting, "current_date - 30")
    failed = alerting.trigger(WATCH)
    wait_until(lambda: mails.mails and hook.posts)

    assert failed.state == "failed"
    path, post = hook.posts[0]
    mail = mails.mails[0]
    mail_text = mail.get_body().get_content()  # type: ignore[union-attr]
    assert path == SECRET_PATH
    assert (mail["From"], mail["To"]) == ("agora@example.com", "ops@example.com")
    assert str(mail["Subject"]).startswith(f"{WATCH} failed: ")
    for message in (mail_text, post["text"], failed.note):
        assert "of 20 apps" in message
        assert "agora_bandwidth_daily is paused or stuck" in message
        assert "docs/runbook.md#days-expire" in message
    assert post["runbook"] == ["days-expire"]
    assert post["run_url"] == f"{alerting.stack.settings.ui_url}/dags/{WATCH}/runs/{quote(failed.run_id)}"
    assert post["run_url"] in mail_text

    # The same failure on the same day sends no second message.
    assert alerting.trigger(WATCH).state == "failed"
    expect_app_days(alerting, "current_date - 5")
    recovered = alerting.trigger(WATCH)
    wait_until(lambda: alerting.api.variable(f"agora_told_{WATCH}") is None)
    assert recovered.state == "success"
    assert "Oldest missing day" in recovered.note
    assert (len(mails.mails), len(hook.posts)) == (1, 1)

    # The incident was resolved, so the next failure is a new one.
    expect_app_days(alerting, "current_date - 30")
    alerting.trigger(WATCH)
    wait_until(lambda: len(mails.mails) == 2 and len(hook.posts) == 2)
    assert "still" not in str(mails.mails[1]["Subject"])


def test_several_failures_in_one_night_cause_one_message(
    alerting: LiveStack, mails: MailServer, hook: HookServer
) -> None:
    elsewhere = {"app_id": "e" * 32, "conn_id": "agora_elsewhere"}
    alerting.set_apps([*alerting.app_ids[:5], {"app_id": "f" * 32, "name": "misspelt"}, elsewhere])
    alerting.sandbox("PUT", "faults", [{"app_id": alerting.app_ids[0], "kind": "status", "status": 500}])

    night = alerting.trigger(DAILY)
    wait_until(lambda: mails.mails and hook.posts)

    assert night.states("collect").count("failed") == 2
    for message in (alerting.app_ids[0], "f" * 32, "There is no connection agora_elsewhere"):
        assert message in hook.posts[0][1]["text"]
    # Callbacks run in the order in which their runs end, so the failed night sends no further message.
    alerting.set_apps(alerting.app_ids[:5])
    alerting.sandbox("PUT", "faults", [])
    assert alerting.trigger(DAILY).state == "success"
    wait_until(lambda: alerting.api.variable(f"agora_told_{DAILY}") is None)
    assert (len(mails.mails), len(hook.posts)) == (1, 1)


def test_every_dag_has_failure_and_success_callbacks(alerting: LiveStack) -> None:
    dags = alerting.metadata("select dag_id, data from serialized_dag")
    assert len(dags) >= 3
    for dag_id, data in dags:
        dag = (data if isinstance(data, dict) else json.loads(data))["dag"]
        assert dag["has_on_failure_callback"], dag_id
        assert dag["has_on_success_callback"], dag_id


def test_lost_days_fail_one_watch_run_and_its_repetition(alerting: LiveStack, hook: HookServer) -> None:
    expect_app_days(alerting, "current_date - 2")
    alerting.sql("update core.vendor_account set window_length = interval '10 days'")
    assert alerting.trigger(WATCH).state == "success"
    # Since yesterday's check, a day has left the window and its two-day margin.
    alerting.sql(
        "update core.app set"
        " wanted = wanted + datemultirange(daterange(current_date - 13, current_date - 12))"
        " where app_id = 'app7'"
    )
    alerting.sql(
        "insert into core.app_day"
        " (app_key, usage_date, conn_id, starts_at, state, points, attempts, http_status, reason)"
        " select app_key, current_date - 13, conn_id, current_date - 13, 'failed', 0, 1, 400, 'gone'"
        " from core.app where app_id = 'app7'"
    )
    variable = {"key": "agora_watch", "value": json.dumps(PREVIOUS_CHECK)}
    alerting.call("PATCH", "/api/v2/variables/agora_watch", variable)

    lost = alerting.trigger(WATCH)
    # Clearing a run removes its note, which is the text of the alert.
    wait_until(lambda: len(hook.posts) == 1)
    alerting.call("POST", f"/api/v2/dags/{WATCH}/dagRuns/{quote(lost.run_id)}/clear", {"dry_run": False})
    repeated = alerting.wait_for_run(WATCH, lost.run_id)
    after = alerting.trigger(WATCH)

    for run in (lost, repeated):
        assert run.state == "failed"
        assert "app app7, connection agora_dashboard" in run.note
        assert "docs/runbook.md#days-lost" in run.note
    assert after.state == "success", after.note
    assert "1 app-day lost in total" in after.note
    wait_until(lambda: alerting.api.variable(f"agora_told_{WATCH}") is None)
    assert len(hook.posts) == 1


def test_the_first_watch_run_only_records_the_state_and_later_ones_check_it(
    alerting: LiveStack, hook: HookServer
) -> None:
    delete_variables(alerting, "agora_watch")
    expect_app_days(alerting, "current_date - 30")

    first, second = alerting.trigger(WATCH), alerting.trigger(WATCH)
    alerting.sql("truncate core.vendor_account cascade")
    nothing_known = alerting.trigger(WATCH)

    assert first.state == "success"
    assert "Oldest missing day" in first.note
    assert second.state == "failed"
    assert nothing_known.state == "failed"
    assert "The warehouse has no apps. Unpause agora_bandwidth_daily" in nothing_known.note
    wait_until(lambda: len(hook.posts) == 2)  # two failures with different causes


def test_a_failing_webhook_is_logged_without_its_secret_and_the_email_is_sent(
    alerting: LiveStack, mails: MailServer, hook: HookServer
) -> None:
    hook.status = 302
    expect_app_days(alerting, "current_date - 30")
    before = errors_logged(alerting)

    run = alerting.trigger(WATCH)
    wait_until(lambda: mails.mails)
    wait_until(lambda: errors_logged(alerting) > before)

    assert run.state == "failed"
    assert [path for path, _ in hook.posts] == [SECRET_PATH]  # the redirect was not followed
    assert not [name for name, text in logs(alerting) if SECRET_PATH in text]


def test_no_alert_is_sent_or_recorded_unless_enabled(
    alerting: LiveStack, mails: MailServer, hook: HookServer
) -> None:
    delete_variables(alerting, "agora_alerts")
    expect_app_days(alerting, "current_date - 30")
    calls = callbacks_run(alerting)

    assert alerting.trigger(WATCH).state == "failed"
    wait_until(lambda: callbacks_run(alerting) > calls)
    time.sleep(2)

    assert (mails.mails, hook.posts) == ([], [])
    assert alerting.api.variable(f"agora_told_{WATCH}") is None


def logs(live: LiveStack) -> list[tuple[str, str]]:
    state = live.stack.settings.state
    files = [*(state / "log").rglob("*"), *(state / "airflow" / "logs").rglob("*")]
    return [(path.name, path.read_text(errors="replace")) for path in files if path.is_file()]


def errors_logged(live: LiveStack) -> int:
    message = "The webhook of the connection agora_webhook did not accept the alert: HTTP 302"
    return sum(text.count(message) for _, text in logs(live))


def callbacks_run(live: LiveStack) -> int:
    return sum(text.count("Executing on_failure dag callback") for _, text in logs(live))
