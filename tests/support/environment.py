"""What a test run takes from its caller's environment: the tests' own settings, and none of the product's."""

from __future__ import annotations

import os
import re
import sys

# Of the product, Airflow, libpq, the sandbox, metrics and compose; proxies; the marks of a CI, with which
# pytest spells out every difference, which takes an hour for two ledgers with their points; and what keeps
# Python from storing bytecode, because compiling takes half of the time in which pytest collects the tests.
FOREIGN = re.compile(
    r"(AGORA|AIRFLOW|OTEL|SANDBOX|COMPOSE)_.*|PG.*|\w+_PROXY|CI|BUILD_NUMBER|PYTHONDONTWRITEBYTECODE",
    re.IGNORECASE,
)
# The interface of the tests: docs/vendor_api.md, docs/operations/kubernetes.md, `make test-browser`.
OWN = re.compile(r"AGORA_(CONTRACT_.*|PICTURES_DIR|CHROMIUM|HELM_CHART)")

# The way out of this machine, for the tests' own downloads.
proxies: dict[str, str] = {}


def forget_the_caller() -> None:
    """Remove foreign variables, for this process and those that it starts."""
    sys.dont_write_bytecode = False
    for name in [*os.environ]:
        if FOREIGN.fullmatch(name) and not OWN.fullmatch(name):
            value = os.environ.pop(name)
            if name.upper().endswith("_PROXY"):
                proxies[name] = value
