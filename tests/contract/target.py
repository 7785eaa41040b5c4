"""What the suite asks: a sandbox of its own, or the real API that the environment names."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.support.sandbox_server import RunningSandbox

PREFIX = "AGORA_CONTRACT_"
SECONDS_BETWEEN_CALLS = 0.2  # half of what the vendor's newer pages allow an account


@dataclass
class Target:
    """What is asked, and what was given for asking it.

    Attributes:
        given: The variables by their names behind the prefix; those of a sandbox are made up here. Ask for
            them by `value`, so that no local variable holds them all where a failure may show it.
        sandbox: Where nothing was given, the sandbox that is asked.
    """

    given: Mapping[str, str] = field(repr=False)
    sandbox: RunningSandbox | None = field(default=None, repr=False)
    _next_call_at: float = field(default=0.0, init=False, repr=False)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Target:
        """Return the real API with what the environment gives; nothing given means that none is meant."""
        named = {name: value for name, value in environment.items() if name.startswith(PREFIX) and value}
        return cls({name.removeprefix(PREFIX): value for name, value in named.items()})

    @classmethod
    def of_sandbox(cls, sandbox: RunningSandbox) -> Target:
        """Return a sandbox, with every call allowed."""
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
        """Return a variable, or an empty text where it is not given."""
        return self.given.get(name, "")

    def require(self, *names: str) -> None:
        """Skip the test where one of these variables is not given."""
        missing = [PREFIX + name for name in names if not self.value(name)]
        if missing:
            pytest.skip(f"It needs {' and '.join(missing)} in the environment.")

    def require_leave_to_change(self) -> None:
        """Skip the test unless what it changes over there may be changed."""
        if self.value("DESTRUCTIVE") != "1":
            pytest.skip(f"It changes something there: it needs {PREFIX}DESTRUCTIVE=1 in the environment.")

    def take_turn(self) -> None:
        """Wait until the next call may be sent; a sandbox of the suite's own has no limit."""
        if self.sandbox is None:
            time.sleep(max(0.0, self._next_call_at - time.monotonic()))
            self._next_call_at = time.monotonic() + SECONDS_BETWEEN_CALLS
