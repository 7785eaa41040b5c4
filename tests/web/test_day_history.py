"""The history of an app-day: its recorded responses with points and messages, and its restatements."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import orjson
import pytest

from agora.domain import LABELS
from agora.warehouse.engine import warehouse_engine
from agora.warehouse.reports.day_history import day_history
from agora.web.day_history import WITHHELD, as_json, secrets_of
from agora.web.responses import json_response
from tests.warehouse.database import App, AppDay, Warehouse

NOW = datetime.now(UTC)
DAY = NOW.date() - timedelta(days=3)
CERTIFICATE = "0123456789abcdef0123456789abcdef"


def body_of(usage_date: date, kbps: list[float | None]) -> bytes:
    value = {label: rate for label, rate in zip(LABELS, kbps, strict=True) if rate is not None}
    return orjson.dumps({"date": usage_date.isoformat(), "unit": "kbps", "value": value})


def add_response(
    warehouse: Warehouse, hours_ago: int, status: int, body: bytes, fault: str = "", app_id: str = "app"
) -> None:
    warehouse.run(
        "insert into raw.bandwidth_response"
        " (app_id, usage_date, fetched_at, http_status, body, body_sha256, fault)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        (app_id, DAY, NOW - timedelta(hours=hours_ago), status, body, sha256(body).digest(), fault),
        "loader",
    )


def read_day(
    warehouse: Warehouse, secrets: list[str] | None, app_id: str = "app", usage_date: date = DAY
) -> dict[str, Any]:
    """Read a history with the page's role, in the form that the browser receives."""
    engine = warehouse_engine(warehouse.url("loader"))
    with engine.connect() as connection:
        found = day_history(connection, app_id, usage_date)
    engine.dispose()
    history: dict[str, Any] = orjson.loads(json_response(as_json(found, secrets)).body)
    return history


@pytest.fixture
def app(warehouse: Warehouse) -> Warehouse:
    """Return a warehouse with one app, whose day first failed, then was partial, and finally complete."""
    warehouse.add_account(window="10 days")
    warehouse.add_apps([App("app", DAY), App("other", DAY)])
    full = body_of(DAY, [1.0] * 288)
    warehouse.add_days([AppDay("app", DAY, [1.0] * 288)])
    warehouse.run(
        "update core.app_day set body_sha256 = %s, collected_at = %s, attempts = 5",
        (sha256(full).digest(), NOW - timedelta(hours=2)),
    )
    add_response(warehouse, 4, 500, b'{"message": "down for maintenance"}')
    add_response(warehouse, 3, 200, body_of(DAY, [None, *[1.0] * 287]))
    add_response(warehouse, 2, 200, full)
    add_response(warehouse, 1, 200, full)
    add_response(warehouse, 1, 404, b"{}", app_id="other")
    return warehouse


def test_responses_have_time_status_points_and_message_newest_first(app: Warehouse) -> None:
    found = read_day(app, [])
    assert [
        (response["http_status"], response["points"], response["message"], response["is_stored"])
        for response in found["responses"]
    ] == [
        (200, 288, "", False),
        (200, 288, "", True),
        (200, 287, "", False),
        (500, None, "down for maintenance", False),
    ]
    assert found["responses"][0]["fetched_at"] == (NOW - timedelta(hours=1)).isoformat()
    assert found["responses_in_all"] == 4
    assert (found["day"]["state"], found["day"]["attempts"]) == ("collected", 5)
    assert (found["app"]["app_name"], found["app"]["timezone"]) == ("Name of app", "UTC")


@pytest.mark.parametrize(
    ("status", "body", "fault", "phrase"),
    [
        (200, body_of(DAY - timedelta(days=1), [1.0] * 288), "", f"requested {DAY}, got"),
        (200, b"<html>", "", "not JSON"),
        (299, b"", "the body is truncated", "the body is truncated"),
        (400, b'{"error": {"message": "too old"}}', "", "too old"),
        (999, b"", "", "no message"),
    ],
)
def test_a_response_without_points_has_a_reason(
    app: Warehouse, status: int, body: bytes, fault: str, phrase: str
) -> None:
    add_response(app, 0, status, body, fault)
    newest = read_day(app, [])["responses"][0]
    assert (newest["http_status"], newest["points"]) == (status, None)
    assert phrase in newest["message"]


def test_messages_never_contain_secrets(app: Warehouse) -> None:
    add_response(app, 0, 401, f'{{"message": "bad certificate {CERTIFICATE}"}}'.encode())
    found = read_day(app, [CERTIFICATE])
    assert found["responses"][0]["message"] == "bad certificate ***"
    withheld = read_day(app, None)
    assert withheld["responses"][0]["message"] == WITHHELD
    assert CERTIFICATE not in f"{found} {withheld}"


def test_only_the_newest_responses_are_read(app: Warehouse) -> None:
    for _ in range(100):
        add_response(app, 0, 429, b"{}")
    found = read_day(app, [])
    assert [response["http_status"] for response in found["responses"]] == [429] * 100
    assert found["responses_in_all"] == 104


def test_restatements_have_sums_and_changed_points(app: Warehouse) -> None:
    app.run(
        "insert into core.restatement (app_key, usage_date, restated_at, points_changed, points_added,"
        " old_collected_at, new_collected_at, old_body_sha256, new_body_sha256, old_starts_at, new_starts_at,"
        " old_sum_kbps, new_sum_kbps)"
        " select app_key, %s, now() - number * interval '1 hour', number, 1, now(), now(), '\\x01', '\\x02',"
        " now(), now(), 288 * number, 100"
        " from core.app cross join generate_series(1, 2) as number where app_id = 'app'",
        (DAY,),
    )
    newest, oldest = read_day(app, [])["restatements"]
    assert (newest["points_changed"], newest["points_added"]) == (1, 1)
    assert (newest["old_sum_kbps"], newest["new_sum_kbps"], newest["is_drop"]) == (288, 100, True)
    assert oldest["points_changed"] == 2
    assert read_day(app, [], "other")["restatements"] == []


def test_a_day_without_responses_is_empty(app: Warehouse) -> None:
    found = read_day(app, [], usage_date=DAY + timedelta(days=1))
    assert (found["day"]["state"], found["responses"], found["responses_in_all"]) == ("pending", [], 0)


def test_an_unknown_app_or_a_day_not_expected_is_reported_as_such(app: Warehouse) -> None:
    assert read_day(app, [], "nobody")["app"] is None
    not_expected = read_day(app, [], usage_date=DAY - timedelta(days=1))
    assert (not_expected["app"]["app_id"], not_expected["day"]) == ("app", None)


def test_the_secrets_are_those_of_the_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"conn_type": "agora_dashboard", "login": "customer", "password": CERTIFICATE}
    monkeypatch.setenv("AIRFLOW_CONN_FIRST", orjson.dumps(account).decode())
    secrets = secrets_of({"first": True, "deleted": False}) or []
    assert CERTIFICATE in secrets
    assert b64encode(f"customer:{CERTIFICATE}".encode()).decode() in secrets
    assert secrets_of({"first": False, "missing": True}) is None, (
        "the message of an unreadable account stays out"
    )
