"""The `agora_alerts` variable, and the rules for webhook addresses."""

from __future__ import annotations

import pytest

from agora.errors import SettingsError
from agora.settings.alerts import AlertSettings, parse_alerts, require_webhook

pytestmark = pytest.mark.unit


def test_by_default_nobody_is_notified() -> None:
    settings = parse_alerts("{}")
    assert (settings.email, settings.webhook_conn_id, settings.days_of_warning) == ((), None, 7)


def test_every_field_can_be_set() -> None:
    given = (
        '{"email": ["ops@example.com"], "smtp_conn_id": "mail", "webhook_conn_id": "hook",'
        ' "days_of_warning": 10}'
    )
    assert parse_alerts(given) == AlertSettings(
        email=("ops@example.com",), smtp_conn_id="mail", webhook_conn_id="hook", days_of_warning=10
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", "Expecting value"),
        ('["ops@example.com"]', "dictionary"),
        ('{"mail": ["ops@example.com"]}', "mail"),
        ('{"email": "ops@example.com"}', "email"),
        ('{"email": ["ops"]}', "email.0"),
        ('{"email": ["a@example.com, b@example.com"]}', "email.0"),
        ('{"email": ["a@example.com\\nBcc: b@example.com"]}', "email.0"),
        ('{"days_of_warning": 0}', "days_of_warning"),
        ('{"days_of_warning": 28}', "days_of_warning"),
        ('{"webhook_conn_id": ""}', "webhook_conn_id"),
    ],
)
def test_the_error_names_the_unusable_value(value: str, expected: str) -> None:
    with pytest.raises(SettingsError, match="The variable agora_alerts is not usable") as refused:
        parse_alerts(value)
    assert expected in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://chat.example.com/hooks/abc?x=1",
        "http://127.0.0.1:8000/x",
        "http://localhost/x",
        "http://[::1]/x",
    ],
)
def test_a_webhook_address_uses_https_or_loopback(url: str) -> None:
    assert require_webhook(url, "hook") == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "http://chat.example.com/s3cret",
        "ftp://chat.example.com/s3cret",
        "s3cret",
        "https:///s3cret",
        "http://[bad/s3cret",
        "https://user:s3cret／x@chat.example.com",
        "https://chat.example.com:99999/s3cret",
        "https://chat.example.com:s3cret",
        "https://chat..example.com/s3cret",
        "https://s3cret x/y",
    ],
)
def test_any_other_address_is_refused_and_not_shown(url: str | None) -> None:
    with pytest.raises(SettingsError, match="connection hook") as refused:
        require_webhook(url, "hook")
    assert "s3cret" not in str(refused.value)
