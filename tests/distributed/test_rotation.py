"""Passwords and keys are changed while the installation runs (docs/operations/rotation.md)."""

from __future__ import annotations

import base64
import os

import pytest

from tests.distributed.live import DAILY, Live
from tests.distributed.plain import PARTS, Installation, workers

pytestmark = pytest.mark.full
ROLES = ("OWNER", "LOADER", "ANALYST", "AIRFLOW")


def up(installation: Installation) -> None:
    """Do what `docker compose up --detach` does: run `init`, then restart services with changed settings."""
    result = installation.run("init")
    assert result.returncode == 0, result.stderr
    installation.start("redis", *PARTS, *workers(2))


def test_the_loader_password_can_change_during_a_run(live: Live) -> None:
    run_id = live.begin_slowly(seconds=1)

    live.installation.change(AGORA_LOADER_PASSWORD=os.urandom(24).hex())
    up(live.installation)
    run = live.end(run_id)

    assert run.state == "success", run.note
    assert live.collected() == live.truth()


def test_every_other_password_and_key_can_change(live: Live) -> None:
    installation = live.installation
    old = installation.variables
    # No run is active here, because the scheduler's own sessions would break.
    new_key = base64.urlsafe_b64encode(os.urandom(32)).decode()
    superuser_password = os.urandom(24).hex()
    live._query(f"alter role postgres password '{superuser_password}'", "postgres", "postgres")
    installation.change(
        AGORA_POSTGRES_PASSWORD=superuser_password,
        AGORA_FERNET_KEY=f"{new_key},{old['AGORA_FERNET_KEY']}",
        AGORA_JWT_SECRET=os.urandom(64).hex(),
        AGORA_API_SECRET_KEY=os.urandom(64).hex(),
        AGORA_REDIS_PASSWORD=os.urandom(24).hex(),
        **{f"AGORA_{role}_PASSWORD": os.urandom(24).hex() for role in ROLES},
    )
    up(installation)
    rotated = installation.run("scheduler", "airflow", "rotate-fernet-key")
    assert rotated.returncode == 0, rotated.stderr
    installation.change(AGORA_FERNET_KEY=new_key)
    up(installation)

    live.api = installation.api  # the old login is no longer valid
    run = live.trigger(DAILY)

    assert run.state == "success", run.note
    assert live.collected() == live.truth()
    ((encrypted,),) = live.metadata("select password from connection where conn_id = 'agora_dashboard'")
    assert not decrypts(installation, encrypted, old["AGORA_FERNET_KEY"])
    assert decrypts(installation, encrypted, new_key)


def test_the_administrator_password_can_change(live: Live) -> None:
    installation = live.installation
    new = os.urandom(8).hex()
    changed = installation.run(
        "api-server", "airflow", "users", "reset-password", "--username", "admin", "--password", new
    )
    assert changed.returncode == 0, changed.stderr
    installation.change(AGORA_ADMIN_PASSWORD=new)  # only a record, because `init` does not change users

    live.api = installation.api
    assert live.api.has_dag(DAILY)


def decrypts(installation: Installation, encrypted: str, key: str) -> bool:
    """Return whether a key decrypts a value from Airflow's database."""
    program = "import sys; from cryptography.fernet import Fernet; Fernet(sys.argv[1]).decrypt(sys.argv[2])"
    return installation.run("scheduler", "python", "-c", program, key, encrypted).returncode == 0


def test_the_vendor_certificate_can_change_in_the_ui(live: Live) -> None:
    sandbox, new = live.installation.sandbox, os.urandom(16).hex()
    connection = live.call("GET", "/api/v2/connections/agora_dashboard")
    trial = {name: connection[name] for name in ("connection_id", "conn_type", "host", "login", "extra")}
    sandbox.put_credentials(sandbox.customer_id, new)
    try:
        with_old = live.call("POST", "/api/v2/connections/test", trial)
        with_new = live.call("POST", "/api/v2/connections/test", {**trial, "password": new})
        live.set_certificate(new)
        run = live.trigger(DAILY)
    finally:
        sandbox.put_credentials(sandbox.customer_id, sandbox.customer_certificate)

    assert (with_old["status"], with_new["status"]) == (False, True), (
        with_old["message"] + with_new["message"]
    )
    assert run.state == "success", run.note
