"""Connections: accepted values, and errors that name the field without showing a secret."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from agora.errors import SettingsError
from agora.settings.connections import (
    DEFAULT_BASE_URL,
    PUSH_STREAM_BASE_URL,
    DashboardSettings,
    PushStreamSettings,
    parse_dashboard,
    parse_push_stream,
)

pytestmark = pytest.mark.unit

SECRET = "certificate-that-nobody-may-see"
APP_ID = "970CA35de60c44645bbae8a215061b33"
APP_CERTIFICATE = "5cfd2fd1755d40ecb72977518be15D3B"


def parsed(**fields: Any) -> DashboardSettings:
    return parse_dashboard(
        "some_account", {"customer_id": "customer", "customer_certificate": SECRET, **fields}
    )


def refusal(**fields: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        parsed(**fields)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__, "the cause would show the input in a traceback"
    return str(refused.value)


def test_a_connection_needs_only_credentials() -> None:
    settings = parsed(base_url="", timezone=None)
    assert settings.conn_id == "some_account"
    assert settings.base_url == DEFAULT_BASE_URL
    assert (settings.timezone, settings.window) == ("UTC", "1 month")
    assert (settings.requests_per_second, settings.max_concurrency) == (10.0, 16)


def test_the_certificate_is_hidden_from_repr() -> None:
    assert SECRET not in repr(parsed()) + str(parsed())


def test_a_trailing_slash_of_the_base_url_is_removed() -> None:
    assert parsed(base_url="https://api.sd-rtn.com/dev/v2/").base_url == "https://api.sd-rtn.com/dev/v2"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"customer_id": ""}, "customer_id"),
        ({"customer_id": "with:colon"}, "customer_id"),
        ({"customer_certificate": None}, "customer_certificate"),
        ({"customer_certificate": [SECRET]}, "customer_certificate"),
        ({"base_url": "api.agora.io"}, "base_url"),
        ({"base_url": "ftp://api.agora.io"}, "base_url"),
        ({"base_url": f"https://id:{SECRET}@api.agora.io"}, "base_url"),
        ({"base_url": f"ftp://id:{SECRET}@api.agora.io"}, "base_url"),
        ({"base_url": f"id:{SECRET}@api.agora.io"}, "base_url"),
        ({"base_url": f"https://id:{SECRET}／x@api.agora.io"}, "base_url"),
        ({"base_url": f"https://id:{SECRET}＠api.agora.io"}, "base_url"),
        ({"base_url": f"https://{SECRET} x"}, "base_url"),
        ({"base_url": f"http://{SECRET}"}, "base_url"),
        ({"base_url": SECRET}, "base_url"),
        ({"base_url": "https://api.agora.io/dev/v2?x=1"}, "base_url"),
        ({"base_url": "https://api.agora.io/dev/v2#x"}, "base_url"),
        ({"base_url": "https://[::1"}, "base_url"),
        ({"base_url": "https://api.agora.io:99999"}, "base_url"),
        ({"base_url": "https://api..agora.io"}, "base_url"),
        ({"conn_id": "another"}, "conn_id"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": 8}, "timezone"),
        ({"window": "a month"}, "window"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"requests_per_second": -1}, "requests_per_second"),
        ({"requests_per_second": float("nan")}, "requests_per_second"),
        ({"requests_per_second": "fast"}, "requests_per_second"),
        ({"max_concurrency": 0}, "max_concurrency"),
        ({"max_concurrency": 1.5}, "max_concurrency"),
        ({"max_concurrency": 100_000}, "max_concurrency"),
        ({"requests_per_secnd": 5}, "requests_per_secnd"),
    ],
)
def test_an_error_names_connection_and_field_but_no_secret(fields: dict[str, Any], field: str) -> None:
    text = refusal(**fields)
    assert "some_account" in text
    assert f"{field}: " in text
    assert SECRET not in text


def test_one_error_names_every_invalid_field() -> None:
    text = refusal(window="never", timezone="Nowhere", requests_per_second=0)
    assert all(field in text for field in ("window", "timezone", "requests_per_second"))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8090/dev/v2", "http://localhost:1", "http://[::1]:8090", "http://127.8.9.10/dev"],
)
def test_plain_http_to_this_machine_is_accepted(url: str) -> None:
    assert parsed(base_url=url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://api.agora.io/dev/v2",
        "http://10.0.0.1",
        "http://0.0.0.0:80",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "HTTP://example.com",
    ],
)
def test_plain_http_to_other_hosts_is_refused(url: str) -> None:
    assert "credentials are sent only over HTTPS" in refusal(base_url=url)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
def test_a_time_zone_with_clock_changes_is_refused(zone: str) -> None:
    text = refusal(timezone=zone)
    assert f"{zone} changes its clocks on 2" in text
    assert "Use UTC or a zone without summer time" in text


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "Etc/GMT-1", "Asia/Kolkata", "Asia/Kathmandu"])
def test_a_time_zone_without_clock_changes_is_accepted(zone: str) -> None:
    assert parsed(timezone=zone).timezone == zone


def test_today_follows_the_accounts_time_zone() -> None:
    now = datetime(2026, 11, 1, 17, 0, tzinfo=UTC)
    assert parsed().today(now) == date(2026, 11, 1)
    assert parsed(timezone="Asia/Shanghai").today(now) == date(2026, 11, 2)


@pytest.mark.parametrize("window", ["1 month", "1 day", "2 days", "30 days", "9999 days"])
def test_a_window_is_accepted(window: str) -> None:
    assert parsed(window=window).window == window


@pytest.mark.parametrize(
    "window",
    ["2 months", "30", "0 days", "-1 days", "030 days", "30 days ", "30  days", "10000 days", "٣٠ days"],
)
def test_an_invalid_window_is_refused_with_examples(window: str) -> None:
    assert 'write "1 month" or a number of days such as "30 days"' in refusal(window=window)


def parsed_push_stream(**fields: Any) -> PushStreamSettings:
    return parse_push_stream(
        "some_channels", {"app_id": APP_ID, "app_certificate": APP_CERTIFICATE, **fields}
    )


def push_stream_refusal(**fields: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        parsed_push_stream(**fields)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__, "the cause would show the input in a traceback"
    return str(refused.value)


@pytest.mark.parametrize("base_url", ["", None])
def test_a_push_stream_connection_needs_only_an_app(base_url: str | None) -> None:
    settings = parsed_push_stream(base_url=base_url)
    assert (settings.conn_id, settings.app_id) == ("some_channels", APP_ID.lower())
    assert settings.app_certificate.get_secret_value() == APP_CERTIFICATE
    assert settings.base_url == PUSH_STREAM_BASE_URL == "http://broadcastgw.agora.io/api/v1"


def test_the_app_certificate_is_hidden_from_repr() -> None:
    assert (
        APP_CERTIFICATE
        not in repr(parsed_push_stream()) + str(parsed_push_stream()) + parsed_push_stream().model_dump_json()
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://broadcastgw.example.com/api/v1",
        "https://broadcastgw.example.com",
        "http://127.0.0.1:8090/api/v1",
    ],
)
def test_a_push_stream_connection_accepts_plain_http(url: str) -> None:
    assert parsed_push_stream(base_url=url).base_url == parsed_push_stream(base_url=f"{url}/").base_url == url


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        *(
            ({"app_id": app_id}, "app_id")
            for app_id in (None, "", APP_ID[1:], f"{APP_ID}0", f"{APP_ID[1:]}g", f"{APP_ID[1:]}\n", 7)
        ),
        *(
            ({"app_certificate": secret}, "app_certificate")
            for secret in (None, "", SECRET, APP_CERTIFICATE[1:], f"{APP_CERTIFICATE} ", [APP_CERTIFICATE])
        ),
        *(
            ({"base_url": url}, "base_url")
            for url in (
                "broadcastgw.agora.io",
                "ftp://broadcastgw.agora.io",
                "http://",
                f"http://{APP_ID}:{APP_CERTIFICATE}@broadcastgw.agora.io",
                f"http://broadcastgw.agora.io/?channelkey={APP_CERTIFICATE}",
                "http://broadcastgw.agora.io/#x",
                "http://[::1",
                "http://broadcastgw.agora.io:99999/api/v1",
                "http://broadcastgw..agora.io/api/v1",
            )
        ),
        ({"requests_per_second": 5}, "requests_per_second"),
        ({"customer_id": "customer"}, "customer_id"),
    ],
)
def test_a_push_stream_error_names_connection_and_field_but_no_secret(
    fields: dict[str, Any], field: str
) -> None:
    text = push_stream_refusal(**fields)
    assert text.startswith("The connection some_channels is not usable: ")
    assert f"{field}: " in text
    assert text.endswith(". See docs/runbook.md#settings-error")
    assert all(secret[1:-1] not in text for secret in (SECRET, APP_CERTIFICATE, APP_ID))


def test_one_error_names_app_id_and_app_certificate() -> None:
    text = push_stream_refusal(app_id=SECRET, app_certificate=SECRET)
    assert text.count("it must be 32 hexadecimal digits") == 2
    assert SECRET not in text


def test_the_app_id_becomes_lower_case_and_the_app_certificate_stays_unchanged() -> None:
    settings = parsed_push_stream(app_id=APP_ID.upper())
    assert settings.app_id == APP_ID.lower()
    assert settings.app_certificate.get_secret_value() == APP_CERTIFICATE
