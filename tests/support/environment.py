"""Clean the environment of a test run: keep the tests' own settings and remove those of the product."""

from __future__ import annotations

import os
import re
import sys

# Settings of the product, Airflow, libpq, the sandbox, metrics and compose, and proxies. Also removed:
# - CI variables. With them, pytest prints full differences, which takes an hour for two ledgers with points.
# - The variable that disables the bytecode cache. Compiling takes half of the time to collect the tests.
FOREIGN = re.compile(
    r"(AGORA|AIRFLOW|OTEL|SANDBOX|COMPOSE)_.*|PG.*|\w+_PROXY|CI|BUILD_NUMBER|PYTHONDONTWRITEBYTECODE",
    re.IGNORECASE,
)
# Settings of the tests, documented in docs/vendor_api.md, docs/operations/kubernetes.md,
# docs/operations/observability.md, `make test-browser`.
OWN = re.compile(r"AGORA_(CONTRACT_.*|PICTURES_DIR|CHROMIUM|HELM_CHART|OPENLINEAGE_SPEC)")

# Proxies for the tests' own downloads.
proxies: dict[str, str] = {}


def clear_caller_environment() -> None:
    """Remove foreign variables from the environment of this process and its child processes."""
    sys.dont_write_bytecode = False
    for name in [*os.environ]:
        if FOREIGN.fullmatch(name) and not OWN.fullmatch(name):
            value = os.environ.pop(name)
            if name.upper().endswith("_PROXY"):
                proxies[name] = value
