"""A second vendor account beside the first, with its own connection and apps, in the same nightly run."""

from __future__ import annotations

from tests.stack.stack import LiveStack
from tests.support.sandbox_server import running_sandbox


def test_an_account_is_added_with_a_connection_and_its_apps(live: LiveStack) -> None:
    first = live.app_ids[0]
    with running_sandbox(apps=2, seed=8) as second:
        live.api.put_connection(
            "agora_second",
            conn_type="agora_dashboard",
            host=second.base_url,
            port=0,
            login=second.customer_id,
            password=second.customer_certificate,
        )
        apps = second.app_ids
        live.set_apps([first, *({"app_id": app_id, "conn_id": "agora_second"} for app_id in apps)])
        run = live.trigger("agora_bandwidth_daily")
        live.call("DELETE", "/api/v2/connections/agora_second")

    assert run.state == "success", run.note
    assert set(live.sql("select conn_id, app_id, state from mart.coverage")) == {
        ("agora_dashboard", first, "collected"),
        *(("agora_second", app_id, "collected") for app_id in apps),
    }
    # Each account has its own rate limit and its own batches.
    assert {row[0] for row in live.sql("select conn_id from mart.vendor_account")} == {
        "agora_dashboard",
        "agora_second",
    }
