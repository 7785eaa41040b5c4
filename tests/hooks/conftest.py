"""The sandbox of the client's tests serves the hooks' connection tests, too."""

from __future__ import annotations

from tests.client.conftest import _quick_retries, module_sandbox, sandbox

__all__ = ["_quick_retries", "module_sandbox", "sandbox"]
