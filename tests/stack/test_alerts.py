"""Telling people of a failed run, and the daily watch, through Airflow's own scheduler and DAG processor."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from deploy.local.settings import HOST
from tests.alerts.receivers import HookServer, MailServer, serving
from tests.stack.stack import LiveStack

DAILY = "agora_bandwidth_daily"
WATCH = "agora_bandwidth_watch"
SECRET_PATH = "/hooks/T0S3CR3T/9f8e7d6c5b4a"
VARIABLES = ("agora_alerts", "agora_watch", f"agora_told_{DAILY}", f"agora_told_{WATCH}")
SECONDS = 60
LOOKED_BEFORE = {"run_id": "", "look": {"at": str(datetime.now(UTC) - timedelta(days=1)), "gone": {}}}


@pytest.fixture(scope="module")
def _watching(session_stack: LiveStack) -> None:
    """Wait until the watch has run by its schedule, which starts by itself."""
    path = f"/api/v2/dags/{WATCH}/dagRuns?run_type=scheduled"
    until(lambda: session_stack.call("GET", path)["dag_runs"])
    session_stack.ended(WATCH, session_stack.call("GET", path)["dag_runs"][0]["dag_run_id"])


@pytest.fixture
def mails() -> Iterator[MailServer]:
    with serving(MailServer()) as server:
        yield server


@pytest.fixture
def hook() -> Iterator[HookServer]:
    with serving(HookServer()) as server:
        yield server


@pytest.fixture
def told(_watching: None, live: LiveStack, mails: MailServer, hook: HookServer) -> Iterator[LiveStack]:
    """Yield the stack with alerts switched on both ways, and nothing told yet."""
    extra = {"from_email": "agora@example.com", "disable_tls": True, "disable_ssl": True, "retry_limit": 0}
    live.api.put_connection(
        "agora_mail", conn_type="smtp", host=HOST, port=mails.port, extra=json.dumps(extra)
    )
    live.api.put_connection("agora_webhook", conn_type="generic", password=hook.url + SECRET_PATH)
    whom = {"email": ["ops@example.com"], "smtp_conn_id": "agora_mail", "webhook_conn_id": "agora_webhook"}
    forget(live, *VARIABLES)
    live.api.create_variable("agora_alerts", json.dumps(whom), "")
    live.api.create_variable("agora_watch", json.dumps(LOOKED_BEFORE), "")
    yield live
    forget(live, *VARIABLES)


def forget(live: LiveStack, *variables: str) -> None:
    for variable in variables:
        if live.api.variable(variable) is not None:
            live.call("DELETE", f"/api/v2/variables/{variable}")


def until(there: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not there():
        assert time.monotonic() < deadline, f"not there after {SECONDS} s"
        time.sleep(0.2)


def want(live: LiveStack, first: str, last: str = "current_date - 1") -> None:
    """Let twenty apps be wanted from one day to another; nobody has asked for any of them."""
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


def test_twenty_apps_about_to_lose_days_are_one_message_until_all_is_well_again(
    told: LiveStack, mails: MailServer, hook: HookServer
) -> None:
    want(told, "current_date - 30")
    failed = told.trigger(WATCH)
    until(lambda: mails.mails and hook.posts)

    assert failed.state == "failed"
    path, post = hook.posts[0]
    mail = mails.mails[0]
    written = mail.get_body().get_content()  # type: ignore[union-attr]
    assert path == SECRET_PATH
    assert (mail["From"], mail["To"]) == ("agora@example.com", "ops@example.com")
    assert str(mail["Subject"]).startswith(f"{WATCH} failed: ")
    for said in (written, post["text"], failed.note):
        assert "of 20 apps" in said
        assert "agora_bandwidth_daily is paused or stuck" in said
        assert "docs/runbook.md#days-expire" in said
    assert post["runbook"] == ["days-expire"]
    assert post["run_url"] == f"{told.stack.settings.ui_url}/dags/{WATCH}/runs/{quote(failed.run_id)}"
    assert post["run_url"] in written

    # The same again on the same day: nothing is said.
    assert told.trigger(WATCH).state == "failed"
    want(told, "current_date - 5")
    well = told.trigger(WATCH)
    until(lambda: told.api.variable(f"agora_told_{WATCH}") is None)
    assert well.state == "success"
    assert "Oldest missing day" in well.note
    assert (len(mails.mails), len(hook.posts)) == (1, 1)

    # It was well in between, so this is another incident.
    want(told, "current_date - 30")
    told.trigger(WATCH)
    until(lambda: len(mails.mails) == 2 and len(hook.posts) == 2)
    assert "still" not in str(mails.mails[1]["Subject"])


def test_a_night_on_which_several_tasks_and_apps_fail_is_one_message(
    told: LiveStack, mails: MailServer, hook: HookServer
) -> None:
    elsewhere = {"app_id": "e" * 32, "conn_id": "agora_elsewhere"}
    told.set_apps([*told.app_ids[:5], {"app_id": "f" * 32, "name": "misspelt"}, elsewhere])
    told.sandbox("PUT", "faults", [{"app_id": told.app_ids[0], "kind": "status", "status": 500}])

    night = told.trigger(DAILY)
    until(lambda: mails.mails and hook.posts)

    assert night.states("collect").count("failed") == 2
    for said in (told.app_ids[0], "f" * 32, "There is no connection agora_elsewhere"):
        assert said in hook.posts[0][1]["text"]
    # The callback of a run that ends later runs later, so nothing more of this night is to come.
    told.set_apps(told.app_ids[:5])
    told.sandbox("PUT", "faults", [])
    assert told.trigger(DAILY).state == "success"
    until(lambda: told.api.variable(f"agora_told_{DAILY}") is None)
    assert (len(mails.mails), len(hook.posts)) == (1, 1)


def test_every_dag_tells_of_its_failures_and_ends_its_incidents(told: LiveStack) -> None:
    dags = told.metadata("select dag_id, data from serialized_dag")
    assert len(dags) >= 3
    for dag_id, data in dags:
        dag = (data if isinstance(data, dict) else json.loads(data))["dag"]
        assert dag["has_on_failure_callback"], dag_id
        assert dag["has_on_success_callback"], dag_id


def test_days_that_were_lost_fail_the_watch_once_and_its_repetition_too(
    told: LiveStack, hook: HookServer
) -> None:
    want(told, "current_date - 2")
    told.sql("update core.vendor_account set window_length = interval '10 days'")
    assert told.trigger(WATCH).state == "success"
    # Since yesterday's look, a day left the window and its margin of two days.
    told.sql(
        "update core.app set"
        " wanted = wanted + datemultirange(daterange(current_date - 13, current_date - 12))"
        " where app_id = 'app7'"
    )
    told.sql(
        "insert into core.app_day"
        " (app_key, usage_date, conn_id, starts_at, state, points, attempts, http_status, reason)"
        " select app_key, current_date - 13, conn_id, current_date - 13, 'failed', 0, 1, 400, 'gone'"
        " from core.app where app_id = 'app7'"
    )
    seen = {"key": "agora_watch", "value": json.dumps(LOOKED_BEFORE)}
    told.call("PATCH", "/api/v2/variables/agora_watch", seen)

    lost = told.trigger(WATCH)
    # Clearing takes the note away, which is what people are told.
    until(lambda: len(hook.posts) == 1)
    told.call("POST", f"/api/v2/dags/{WATCH}/dagRuns/{quote(lost.run_id)}/clear", {"dry_run": False})
    repeated = told.ended(WATCH, lost.run_id)
    after = told.trigger(WATCH)

    for run in (lost, repeated):
        assert run.state == "failed"
        assert "app app7, connection agora_dashboard" in run.note
        assert "docs/runbook.md#days-lost" in run.note
    assert after.state == "success", after.note
    assert "1 app-day lost in total" in after.note
    until(lambda: told.api.variable(f"agora_told_{WATCH}") is None)
    assert len(hook.posts) == 1


def test_the_first_look_only_takes_note_and_the_next_ones_see_whether_anything_runs(
    told: LiveStack, hook: HookServer
) -> None:
    forget(told, "agora_watch")
    want(told, "current_date - 30")

    first, second = told.trigger(WATCH), told.trigger(WATCH)
    told.sql("truncate core.vendor_account cascade")
    nothing_known = told.trigger(WATCH)

    assert first.state == "success"
    assert "Oldest missing day" in first.note
    assert second.state == "failed"
    assert nothing_known.state == "failed"
    assert "The warehouse has no apps. Unpause agora_bandwidth_daily" in nothing_known.note
    until(lambda: len(hook.posts) == 2)  # two failures, not of the same thing


def test_a_broken_way_is_named_in_the_log_without_its_secret_and_the_other_one_works(
    told: LiveStack, mails: MailServer, hook: HookServer
) -> None:
    hook.status = 302
    want(told, "current_date - 30")
    before = errors_logged(told)

    run = told.trigger(WATCH)
    until(lambda: mails.mails)
    until(lambda: errors_logged(told) > before)

    assert run.state == "failed"
    assert [path for path, _ in hook.posts] == [SECRET_PATH]  # the redirect was not followed
    assert not [name for name, text in logs(told) if SECRET_PATH in text]


def test_nobody_is_told_and_nothing_is_kept_unless_it_is_switched_on(
    told: LiveStack, mails: MailServer, hook: HookServer
) -> None:
    forget(told, "agora_alerts")
    want(told, "current_date - 30")
    calls = callbacks_run(told)

    assert told.trigger(WATCH).state == "failed"
    until(lambda: callbacks_run(told) > calls)
    time.sleep(2)

    assert (mails.mails, hook.posts) == ([], [])
    assert told.api.variable(f"agora_told_{WATCH}") is None


def logs(live: LiveStack) -> list[tuple[str, str]]:
    state = live.stack.settings.state
    files = [*(state / "log").rglob("*"), *(state / "airflow" / "logs").rglob("*")]
    return [(path.name, path.read_text(errors="replace")) for path in files if path.is_file()]


def errors_logged(live: LiveStack) -> int:
    said = "The webhook of the connection agora_webhook did not accept the alert: HTTP 302"
    return sum(text.count(said) for _, text in logs(live))


def callbacks_run(live: LiveStack) -> int:
    return sum(text.count("Executing on_failure dag callback") for _, text in logs(live))
