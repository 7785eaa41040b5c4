"""The OpenLineage events that a night sends when a transport is configured."""

from __future__ import annotations

import json
from pathlib import Path

from tests.distributed.live import DAILY, Live
from tests.distributed.plain import workers


def test_each_collecting_task_reports_its_inputs_and_outputs(live: Live, tmp_path: Path) -> None:
    installation, sent = live.installation, tmp_path / "events"
    transport = {"type": "file", "log_file_path": str(sent), "append": True}
    installation.start(*workers(2), AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps(transport))

    run = live.trigger(DAILY)

    assert run.state == "success", run.note
    events = [json.loads(line) for line in sent.read_text().splitlines()]
    ended = [
        event
        for event in events
        if event["eventType"] == "COMPLETE" and event["job"]["name"].endswith(".collect")
    ]
    assert ended
    warehouse = f"postgres://127.0.0.1:{installation.ports['postgres']}"
    for event in ended:
        named = {(each["namespace"], each["name"]) for each in event["inputs"]}
        assert named == {(f"https://localhost:{installation.ports['sandbox']}", "dev/v2/usages/bandwidth")}
        named = {(each["namespace"], each["name"]) for each in event["outputs"]}
        assert named == {
            (warehouse, "warehouse.raw.bandwidth_response"),
            (warehouse, "warehouse.core.app_day"),
        }
