"""The API under test: a sandbox, or the real API if the environment names it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.support.sandbox_server import RunningSandbox

PREFIX = "AGORA_CONTRACT_"
SECONDS_BETWEEN_CALLS = 0.2  # half the rate that the vendor's newer pages allow per account


@dataclass
class Target:
    """The API under test, and its variables.

    Attributes:
        given: Values of the variables, by name without the prefix. Read them with `value`, so that a failure
            report, which shows local variables, does not contain all values.
        sandbox: The sandbox under test, or None for the real API.
    """

    given: Mapping[str, str] = field(repr=False)
    sandbox: RunningSandbox | None = field(default=None, repr=False)
    _next_call_at: float = field(default=0.0, init=False, repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Target:
        """Return the real API with the variables from the environment, of which there may be none."""
        named = {name: value for name, value in environment.items() if name.startswith(PREFIX) and value}
        return cls({name.removeprefix(PREFIX): value for name, value in named.items()})

    @classmethod
    def for_sandbox(cls, sandbox: RunningSandbox) -> Target:
        """Return a sandbox as the target, with every call allowed."""
        app_id = sandbox.app_ids[0]
        given = {
            "BASE_URL": sandbox.base_url,
            "CUSTOMER_ID": sandbox.customer_id,
            "CUSTOMER_CERTIFICATE": sandbox.customer_certificate,
            "APP_ID": app_id,
            "APP_CERTIFICATE": sandbox.app_certificate(app_id),
            "PUSH_STREAM_URL": sandbox.push_stream_url,
            "STREAM_URL": "rtmp://stream.example/contract",
            "DESTRUCTIVE": "1",
        }
        return cls(given, sandbox)

    def value(self, name: str) -> str:
        """Return the value of a variable, or an empty string if it is not set."""
        return self.given.get(name, "")

    def require(self, *names: str) -> None:
        """Skip the test if one of these variables is not set."""
        missing = [PREFIX + name for name in names if not self.value(name)]
        if missing:
            pytest.skip(f"This test needs {' and '.join(missing)} in the environment.")

    def require_changes_allowed(self) -> None:
        """Skip the test unless tests may change the account."""
        if self.value("DESTRUCTIVE") != "1":
            pytest.skip(f"This test changes the account. It needs {PREFIX}DESTRUCTIVE=1 in the environment.")

    def wait_for_permit(self) -> None:
        """Wait until the next call may be sent. The sandbox has no limit."""
        if self.sandbox is None:
            time.sleep(max(0.0, self._next_call_at - time.monotonic()))
            self._next_call_at = time.monotonic() + SECONDS_BETWEEN_CALLS
