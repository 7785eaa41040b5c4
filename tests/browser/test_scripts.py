"""docs/page.md lists every route, and its commands work."""

from __future__ import annotations

import json
import os
import re
import subprocess

from tests.browser.test_rights import A_FILE, Calls, calls
from tests.stack.stack import LiveStack
from tests.support.paths import ROOT

__all__ = ["calls"]  # the fixture
PAGE = (ROOT / "docs" / "page.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


def test_every_route_is_documented(calls: Calls) -> None:
    documented = {
        (verb, path.replace("{path}", A_FILE)) for verb, path in re.findall(r"`([A-Z]+) (/[^`]*)`", PAGE)
    }
    assert {(verb, path) for path, verb, is_served in calls if is_served} == documented


def test_documented_commands_work(live: LiveStack) -> None:
    script = "".join(COMMANDS).replace("http://127.0.0.1:8080", live.stack.settings.ui_url)
    last = live.sql("select max(usage_date)::text from mart.coverage")[0][0]
    script = re.sub(r'"(from|to)_date": "[^"]*"', rf'"\1_date": "{last}"', script)
    completed = subprocess.run(
        ["sh", "-ec", script.replace("\ncurl", "\necho; curl")],
        env={**os.environ, "PASSWORD": live.stack.secrets.admin_password, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        check=True,
    )
    coverage, run = [json.loads(line) for line in completed.stdout.split("\n") if line]
    assert {app["app_name"].partition("-")[0] for app in coverage["apps"]} == {"classroom"}
    assert run["dag_id"] == "agora_bandwidth_backfill"
    assert live.wait_for_run("agora_bandwidth_backfill", run["dag_run_id"]).state == "success"
