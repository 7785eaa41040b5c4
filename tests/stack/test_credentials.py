"""Wrong credentials stop an account, a refused app does not, and no credentials appear in logs."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from deploy.local.settings import HOST
from tests.stack.stack import LiveStack

WRONG = "wrong-certificate-0123456789abcdef"


def test_wrong_credentials_cost_few_requests_and_are_reported_once(live: LiveStack) -> None:
    live.set_certificate(WRONG)

    run = live.trigger("agora_bandwidth_daily")

    assert run.state == "failed"
    assert live.sandbox("GET", "stats")["by_status"] == {"401": 5}
    assert len(live.sandbox("GET", "stats")["by_app"]) == 5, "several apps confirm the refusal"
    reason = "Connection agora_dashboard: the vendor refused the credentials for 5 different apps (HTTP 401 "
    assert reason in live.log_of(run, "collect")
    assert run.note.startswith(f"Result: {reason}")
    assert "Fix the connection agora_dashboard: login is the Customer ID" in run.note
    assert run.note.endswith("See docs/runbook.md#credentials-refused")
    assert len(run.note.splitlines()) == 1, "one sentence, not one per app"
    assert [t["try_number"] for t in run.tasks if t["map_index"] == 0] == [1]
    ((problems,),) = live.sql(f"select problems from mart.collection_run where run_id = '{run.run_id}'")
    assert f"Result: {problems}" == run.note
    assert live.sql("select distinct state, http_status from core.app_day") == [("failed", 401)]


def test_apps_of_another_account_are_named_and_the_others_are_collected(live: LiveStack) -> None:
    good, foreign, forbidden = live.app_ids[:4], "0" * 32, "8" * 32
    since = str(live.today - timedelta(days=4))
    live.set_apps([{"app_id": app_id, "collect_from": since} for app_id in (*good, foreign, forbidden)])
    live.sandbox(
        "PUT",
        "faults",
        [
            {"kind": "foreign", "app_id": foreign},
            {"kind": "foreign", "app_id": forbidden, "status": 403},
        ],
    )

    run = live.trigger("agora_bandwidth_daily")

    assert run.state == "failed"
    assert "2 apps failed" in run.note
    assert f"{foreign}: 4 days, HTTP 401" in run.note
    assert f"{forbidden}: 4 days, HTTP 403" in run.note
    assert not [app_id for app_id in good if app_id in run.note]
    assert "docs/runbook.md#app-refused" in run.note
    assert "refused the credentials" not in run.note
    assert "redirect" not in run.note
    assert live.sql("select distinct app_id, state from mart.coverage where points = 288 order by 1") == [
        (app_id, "collected") for app_id in sorted(good)
    ]
    assert live.sql("select count(*) from mart.coverage where state = 'collected'") == [(16,)]
    by_app = live.sandbox("GET", "stats")["by_app"]
    requested = [sum(by_app[app_id].values()) for app_id in good]
    assert min(requested) == 4
    assert sum(requested) <= 16 + 5, "their days are requested once, and a few again to confirm a refusal"
    assert "Requested " in run.note.splitlines()[1], "the counts are not cut off"


def test_no_certificate_is_found_in_logs_or_airflows_database(live: LiveStack) -> None:
    live.trigger("agora_bandwidth_daily")
    live.set_certificate(WRONG)
    live.trigger("agora_bandwidth_daily")
    secrets = live.stack.secrets
    certificates = (secrets.sandbox_customer_certificate, WRONG)
    needles = {
        needle
        for certificate in certificates
        for needle in (
            certificate,
            base64.b64encode(f"{secrets.sandbox_customer_id}:{certificate}".encode()).decode(),
            base64.b64encode(certificate.encode()).decode(),
        )
    }
    # The Customer ID is not a secret. Finding it proves that the search works.
    found = {where for where, text in logs_and_tables(live) for needle in needles if needle in text}
    customer_id = {where for where, text in logs_and_tables(live) if secrets.sandbox_customer_id in text}

    assert found == set()
    assert "table connection" in customer_id


def logs_and_tables(live: LiveStack) -> Iterator[tuple[str, str]]:
    state: Path = live.stack.settings.state
    for path in [*(state / "log").rglob("*"), *(state / "airflow").rglob("*")]:
        if path.is_file() and path.name != "passwords.json":
            yield str(path.relative_to(state)), path.read_text(errors="replace")
    for (table,) in live.metadata("select tablename from pg_tables where schemaname = 'public'"):
        rows = live.metadata(f'select string_agg(t::text, chr(10)) from "{table}" t')
        yield f"table {table}", rows[0][0] or ""


def test_the_connection_test_distinguishes_valid_from_invalid_connections(live: LiveStack) -> None:
    settings, secrets = live.stack.settings, live.stack.secrets
    connection = {
        "connection_id": "trial",
        "conn_type": "agora_dashboard",
        "host": f"http://{HOST}:{settings.sandbox_port}/dev/v2",
        "login": secrets.sandbox_customer_id,
        "password": secrets.sandbox_customer_certificate,
    }
    right = live.call("POST", "/api/v2/connections/test", connection)
    wrong = live.call("POST", "/api/v2/connections/test", {**connection, "password": WRONG})
    plain = live.call("POST", "/api/v2/connections/test", {**connection, "host": "http://example.org"})

    assert (right["status"], wrong["status"], plain["status"]) == (True, False, False)
    assert "accepted the credentials" in right["message"]
    assert "HTTP 401" in wrong["message"]
    assert "plain HTTP" in plain["message"]


def test_the_connection_type_has_its_own_form(live: LiveStack) -> None:
    form = live.forms()["agora_dashboard"]

    assert form["hook_name"] == "Agora Dashboard"
    assert set(form["extra_fields"]) == {
        *("timezone", "window", "requests_per_second", "max_concurrency", "settle_days", "ca_file", "proxy")
    }
    assert form["standard_fields"]["login"]["title"] == "Customer ID"


def test_a_missing_connection_does_not_block_other_accounts(live: LiveStack) -> None:
    live.set_apps([*live.app_ids[:2], {"app_id": "e" * 32, "conn_id": "agora_elsewhere"}])

    run = live.trigger("agora_bandwidth_daily")

    assert run.state == "failed"
    assert sorted(run.states("collect")) == ["failed", "success"]
    assert "There is no connection agora_elsewhere" in live.log_of(run, "collect", "failed")
    assert run.note.startswith("Result: There is no connection agora_elsewhere that Airflow can read. ")
    assert run.note.count("There is no connection agora_elsewhere") == 1
    assert run.note.count("requesting 62 app-days") == 1
    assert live.sql("select count(distinct app_key) from core.app_day where state = 'collected'") == [(2,)]


def test_days_loaded_before_credentials_are_refused_are_published(live: LiveStack) -> None:
    events = live.call("GET", "/api/v2/assets/events")["total_entries"]
    # Responses are delayed, so that the certificate can become invalid in the middle of the run.
    live.sandbox("PUT", "faults", [{"kind": "delay", "seconds": 0.5}])
    body = {"logical_date": None}
    run_id = live.call("POST", "/api/v2/dags/agora_bandwidth_daily/dagRuns", body)["dag_run_id"]
    deadline = time.monotonic() + 120
    while live.sql("select count(*) from core.app_day where state = 'collected'") == [(0,)]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    secrets = live.stack.secrets
    changed = {"customer_id": secrets.sandbox_customer_id, "customer_certificate": WRONG}
    live.sandbox("PUT", "credentials", changed)
    run = live.wait_for_run("agora_bandwidth_daily", run_id)
    original = {**changed, "customer_certificate": secrets.sandbox_customer_certificate}
    live.sandbox("PUT", "credentials", original)

    ((loaded,),) = live.sql("select count(*) from core.app_day where state = 'collected'")
    assert run.state == "failed"
    assert 0 < loaded < 620
    assert "Fix the connection agora_dashboard" in run.note
    assert f"{loaded:,} collected" in run.note
    newest = live.call("GET", "/api/v2/assets/events?order_by=-timestamp&limit=1")
    assert newest["total_entries"] == events + 1
    assert newest["asset_events"][0]["extra"]["changed"] == loaded
