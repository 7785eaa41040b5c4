"""App Certificates: stable, secret, and given only to who knows the account's credentials."""

from __future__ import annotations

import re

from tests.sandbox.pushing import push
from tests.support.sandbox_server import Reply, RunningSandbox, running_sandbox


def asked(sandbox: RunningSandbox, authorization: str | None) -> Reply:
    headers = {} if authorization is None else {"Authorization": authorization}
    return sandbox.request("GET", "/_sandbox/app-certificates", headers)


def test_gives_each_app_its_own(sandbox: RunningSandbox) -> None:
    certificates = asked(sandbox, sandbox.authorization).json()
    assert certificates == {app_id: sandbox.app_certificate(app_id) for app_id in sandbox.app_ids}
    assert len(set(certificates.values())) == len(sandbox.app_ids)
    assert all(re.fullmatch("[0-9a-f]{32}", certificate) for certificate in certificates.values())


def test_gives_them_to_nobody_else(sandbox: RunningSandbox) -> None:
    for authorization in (None, "", "Basic eDp5", sandbox.authorization + "x"):
        reply = asked(sandbox, authorization)
        assert reply.status == 401
        assert reply.headers["www-authenticate"].startswith("Basic ")
        assert sandbox.app_certificate(sandbox.app_ids[0]) not in reply.body.decode()


def test_they_follow_from_the_certificate_at_the_start(sandbox: RunningSandbox) -> None:
    app_id = sandbox.app_ids[0]
    with running_sandbox(apps=20, customer_certificate=sandbox.customer_certificate) as same:
        assert same.app_certificate(app_id) == sandbox.app_certificate(app_id)
        same.put_credentials("another", "certificate")
        assert asked(same, same.authorization).status == 401
        assert push(same, "POST").status == 200, "replaced credentials change no App Certificate"
        same.stop()
        same.start()
        assert asked(same, same.authorization).json()[app_id] == sandbox.app_certificate(app_id)
    with running_sandbox(apps=20) as another:
        assert another.app_certificate(app_id) != sandbox.app_certificate(app_id)


def test_no_page_and_no_log_shows_them() -> None:
    with running_sandbox(apps=2) as sandbox:
        certificates = asked(sandbox, sandbox.authorization).json().values()
        push(sandbox, "POST")
        paths = (
            "/",
            "/openapi.json",
            *(f"/_sandbox/{call}" for call in ("apps", "channels", "health", "stats")),
        )
        shown = [sandbox.request("GET", path).body.decode() for path in paths]
        said = "".join([*shown, sandbox.log()])
    assert not [certificate for certificate in certificates if certificate in said]
