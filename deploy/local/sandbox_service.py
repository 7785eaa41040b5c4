"""The demo's sandbox API: start it as a service, script its only fault, and fetch its apps."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from deploy.local.errors import StackError
from deploy.local.processes import Service
from deploy.local.secret_files import Secrets, write_private
from deploy.local.settings import Settings

NAME = "sandbox"
APPS, SEED, CALLS_A_SECOND = 20, 7, 60
FAULTY_APP, FAULT_AGE_DAYS = 5, 5
WITHHELD = ["09:40", "09:45", "09:50", "14:05", "14:10", "14:15"]


def make_service(settings: Settings, secrets: Secrets, caller: Mapping[str, str]) -> Service:
    """Return the sandbox as a service."""
    command = [
        *(sys.executable, "-P", "-m", "sandbox", "--port", str(settings.sandbox_port)),
        *("--apps", str(APPS), "--seed", str(SEED), "--rate-limit", str(CALLS_A_SECOND)),
        *("--faults", str(_faults_path(settings)), "--quiet"),
    ]
    passed = {name: value for name, value in caller.items() if not name.startswith(("PYTHON", "AIRFLOW"))}
    environment = {
        **passed,
        "PYTHONPATH": str(settings.root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SANDBOX_CUSTOMER_ID": secrets.sandbox_customer_id,
        "SANDBOX_CUSTOMER_CERTIFICATE": secrets.sandbox_customer_certificate,
    }
    return Service(NAME, command, environment, settings.state)


def write_faults(settings: Settings) -> None:
    """Script one day with missing points, so that the demo shows a partial day.

    The file is written only once, so that a repeated demo keeps the same day.
    """
    path = _faults_path(settings)
    if not path.exists():
        day = datetime.now(UTC).date() - timedelta(days=FAULT_AGE_DAYS)
        fault = {"kind": "withhold", "app": FAULTY_APP, "usage_date": day.isoformat(), "slots": WITHHELD}
        write_private(path, json.dumps([fault], indent=2) + "\n")


def wait_until_healthy(settings: Settings, sandbox: Service) -> None:
    """Wait until the sandbox responds.

    Raises:
        StackError: The sandbox has ended, or does not respond within 30 seconds.
    """
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        sandbox.require_running()
        try:
            _get(settings, "/_sandbox/health")
        except StackError:
            time.sleep(0.1)
        else:
            return
    raise StackError(f"The sandbox at {settings.sandbox_url} does not respond. Its log is {sandbox.log}.")


def fetch_apps(settings: Settings) -> list[dict[str, str]]:
    """Return the sandbox's apps, each with `app_id` and `name`."""
    return [{"app_id": app["app_id"], "name": app["name"]} for app in _get(settings, "/_sandbox/apps")]


def fetch_app_certificates(settings: Settings, secrets: Secrets) -> dict[str, str]:
    """Return the App Certificate for each App ID. The request needs the account's credentials."""
    pair = f"{secrets.sandbox_customer_id}:{secrets.sandbox_customer_certificate}"
    authorization = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return dict(_get(settings, "/_sandbox/app-certificates", {"Authorization": authorization}))


def _get(settings: Settings, path: str, headers: Mapping[str, str] | None = None) -> Any:
    request = Request(settings.sandbox_url + path, headers=dict(headers or {}))  # noqa: S310 - our own server
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=10) as response:
            return json.loads(response.read())
    except (URLError, OSError, ValueError) as error:
        raise StackError(f"The sandbox at {settings.sandbox_url} does not respond: {error}.") from None


def _faults_path(settings: Settings) -> Path:
    return settings.state / "faults.json"
