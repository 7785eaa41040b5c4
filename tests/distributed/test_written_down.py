"""No secret is written down: not by any process, in any task's log, nor in Airflow's database."""

from __future__ import annotations

from tests.distributed.live import DAILY, Live

SECRET = ("PASSWORD", "KEY", "SECRET", "CERTIFICATE")
WRONG = "wrong-certificate-0123456789abcdef"


def test_no_secret_of_dotenv_is_in_a_log_or_in_airflows_database(live: Live) -> None:
    variables = live.installation.variables
    live.trigger(DAILY)
    live.start_afresh()
    live.set_certificate(WRONG)
    assert live.trigger(DAILY).state == "failed"

    secrets = {name: value for name, value in variables.items() if name.endswith(SECRET)}
    assert len(secrets) == 12
    written = dict(live.written())
    found = {
        (name, where)
        for where, text in written.items()
        for name, secret in {**secrets, "WRONG": WRONG}.items()
        if secret in text
    }
    # The customer ID is no secret; that it is found shows that the search finds things.
    customer_id = variables["AGORA_SANDBOX_CUSTOMER_ID"]

    assert found == set()
    assert "table connection" in {where for where, text in written.items() if customer_id in text}
    assert any("attempt=" in where and "HTTP 401" in text for where, text in written.items())
