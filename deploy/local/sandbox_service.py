"""The demo's sandbox API: start it as a service, script its faults, and fetch its apps."""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from deploy.local import demo_script
from deploy.local.errors import StackError
from deploy.local.processes import Service
from deploy.local.secret_files import Secrets, write_private
from deploy.local.settings import Settings

NAME = "sandbox"
APPS, SEED, CALLS_A_SECOND = 20, 7, 60


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
        "SANDBOX_CUSTOMER_ID": secrets.sandbox_customer_id,
        "SANDBOX_CUSTOMER_CERTIFICATE": secrets.sandbox_customer_certificate,
    }
    return Service(NAME, command, environment, settings.state)


def write_faults(settings: Settings) -> None:
    """Write the demo's fault script unless it exists, so that repeated demos affect the same days."""
    path = _faults_path(settings)
    if not path.exists():
        faults = demo_script.faults(datetime.now(UTC).date())
        write_private(path, json.dumps(faults, indent=2) + "\n")


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
