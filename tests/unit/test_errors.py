"""Each error of the vendor's names app, day and connection, and what to do."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from agora import errors
from agora.errors import AgoraError, VendorError
from agora.vendor.answer import Answer

VENDOR_ERRORS = VendorError.__subclasses__()


def test_the_tree_of_the_docstring_is_the_tree() -> None:
    documented = errors.__doc__ or ""
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    assert len(VENDOR_ERRORS) == 6
    assert all(issubclass(kind, AgoraError) for kind in classes if kind.__module__ == errors.__name__)
    assert all(kind.__name__ in documented for kind in classes if issubclass(kind, AgoraError))


@pytest.mark.parametrize("kind", VENDOR_ERRORS)
def test_a_vendor_error_names_app_day_and_connection(kind: type[VendorError]) -> None:
    answer = Answer(400, b"", datetime(2026, 11, 2, tzinfo=UTC))
    error = kind(
        "HTTP 400, the vendor says: no",
        app_id="a1",
        usage_date=date(2026, 11, 1),
        conn_id="some_account",
        advice="Do this.",
        answer=answer,
    )
    assert (
        str(error) == "App a1, 2026-11-01, connection some_account: HTTP 400, the vendor says: no. Do this."
    )
    assert (error.reason, error.app_id, error.usage_date, error.answer) == (
        "HTTP 400, the vendor says: no",
        "a1",
        date(2026, 11, 1),
        answer,
    )
