"""No secret is texts to a process log, a task log or Airflow's database."""

from __future__ import annotations

from tests.distributed.live import DAILY, Live

SECRET = ("PASSWORD", "KEY", "SECRET", "CERTIFICATE")
WRONG = "wrong-certificate-0123456789abcdef"


def test_no_secret_from_dotenv_is_in_a_log_or_airflows_database(live: Live) -> None:
    variables = live.installation.variables
    live.trigger(DAILY)
    live.reset()
    live.set_certificate(WRONG)
    assert live.trigger(DAILY).state == "failed"

    secrets = {name: value for name, value in variables.items() if name.endswith(SECRET)}
    assert len(secrets) == 12
    texts = dict(live.logs_and_tables())
    found = {
        (name, where)
        for where, text in texts.items()
        for name, secret in {**secrets, "WRONG": WRONG}.items()
        if secret in text
    }
    # The Customer ID is not a secret. Finding it proves that the search works.
    customer_id = variables["AGORA_SANDBOX_CUSTOMER_ID"]

    assert found == set()
    assert "table connection" in {where for where, text in texts.items() if customer_id in text}
    assert any("attempt=" in where and "HTTP 401" in text for where, text in texts.items())
