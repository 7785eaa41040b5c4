"""Each error states what happened and what to do, and refers to the runbook once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agora import errors
from agora.client.response import Response
from agora.errors import (
    AgoraError,
    CredentialsRefused,
    ResponseRejected,
    SettingsError,
    UnknownApp,
    VendorError,
    see,
)

pytestmark = pytest.mark.unit

VENDOR_ERRORS = VendorError.__subclasses__()


def test_the_docstring_lists_every_error_class() -> None:
    documented = errors.__doc__ or ""
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(VENDOR_ERRORS) == 12
    assert all(issubclass(kind, AgoraError) for kind in classes if kind.__module__ == errors.__name__)
    assert all(kind.__name__ in documented for kind in classes if issubclass(kind, AgoraError))


@pytest.mark.parametrize("kind", VENDOR_ERRORS)
def test_a_vendor_error_states_its_subject_and_its_advice(kind: type[VendorError]) -> None:
    answer = Response(400, b"", datetime(2026, 11, 2, tzinfo=UTC))
    error = kind(
        "HTTP 400 from the vendor: no",
        about="App a1, 2026-11-01, connection some_account",
        app_id="a1",
        advice="Do this.",
        answer=answer,
    )
    assert str(error).startswith(
        "App a1, 2026-11-01, connection some_account: HTTP 400 from the vendor: no. Do this."
        " See docs/runbook.md#"
    )
    assert (error.reason, error.app_id, error.answer) == ("HTTP 400 from the vendor: no", "a1", answer)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Do this.", "Do this. See docs/runbook.md#settings-error"),
        ("it is wrong", "it is wrong. See docs/runbook.md#settings-error"),
        ("ALTER ROLE x;", "ALTER ROLE x; See docs/runbook.md#settings-error"),
    ],
)
def test_an_error_ends_with_the_runbook_entry_for_its_class(text: str, expected: str) -> None:
    assert str(SettingsError(text)) == expected


def test_each_runbook_entry_is_listed_once() -> None:
    kinds = [UnknownApp, CredentialsRefused, UnknownApp]
    assert see(kinds) == "See docs/runbook.md#credentials-refused, docs/runbook.md#unknown-app"


def test_a_reason_stored_in_the_ledger_has_no_runbook_reference() -> None:
    assert str(ResponseRejected("not JSON")) == "not JSON"
