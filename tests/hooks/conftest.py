"""The hooks' connection tests use the sandbox fixtures of the client's tests."""

from __future__ import annotations

from tests.client.conftest import _quick_retries, module_sandbox, sandbox

__all__ = ["_quick_retries", "module_sandbox", "sandbox"]
