"""App Certificates: stable, secret, and available only with the account's credentials."""

from __future__ import annotations

import re

from sandbox.credentials import Credentials
from tests.sandbox.in_process import InProcessSandbox, sandbox_in_process
from tests.sandbox.push_stream.channel_requests import push
from tests.support.sandbox_server import Reply, RunningSandbox, running_sandbox


def fetch(sandbox: RunningSandbox | InProcessSandbox, authorization: str | None) -> Reply:
    headers = {} if authorization is None else {"Authorization": authorization}
    return sandbox.request("GET", "/_sandbox/app-certificates", headers)


def test_each_app_has_its_own_certificate(sandbox: RunningSandbox) -> None:
    certificates = fetch(sandbox, sandbox.authorization).json()
    assert certificates == {app_id: sandbox.app_certificate(app_id) for app_id in sandbox.app_ids}
    assert len(set(certificates.values())) == len(sandbox.app_ids)
    assert all(re.fullmatch("[0-9a-f]{32}", certificate) for certificate in certificates.values())


def test_the_certificates_require_the_credentials(sandbox: RunningSandbox) -> None:
    for authorization in (None, "", "Basic eDp5", sandbox.authorization + "x"):
        reply = fetch(sandbox, authorization)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Basic ")
        assert sandbox.app_certificate(sandbox.app_ids[0]) not in reply.body.decode()


def test_the_certificates_depend_on_the_initial_customer_certificate(sandbox: RunningSandbox) -> None:
    app_id = sandbox.app_ids[0]
    credentials = Credentials("customer", sandbox.customer_certificate)
    with sandbox_in_process(apps=20, credentials=credentials) as same:
        assert same.app_certificate(app_id) == sandbox.app_certificate(app_id)
        same.put_credentials("another", "certificate")
        assert fetch(same, same.authorization).status == 401
        assert push(same, "POST").status == 200, "replaced credentials change no App Certificate"
    with sandbox_in_process(apps=20, credentials=credentials) as same:
        assert fetch(same, same.authorization).json()[app_id] == sandbox.app_certificate(app_id)
    with sandbox_in_process(apps=20) as another:
        assert another.app_certificate(app_id) != sandbox.app_certificate(app_id)


def test_no_page_or_log_shows_the_certificates() -> None:
    with running_sandbox(apps=2) as sandbox:
        certificates = fetch(sandbox, sandbox.authorization).json().values()
        push(sandbox, "POST")
        paths = (
            "/",
            "/reference",
            "/openapi.json",
            *(f"/_sandbox/{name}" for name in ("apps", "channels", "health", "stats")),
        )
        shown = [sandbox.request("GET", path).body.decode() for path in paths]
        text = "".join([*shown, sandbox.log()])
    assert not [certificate for certificate in certificates if certificate in text]
