"""One installation of plain processes for all tests in this folder. It starts once, within a minute."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from subprocess import CompletedProcess

import pytest

from tests.distributed.live import Live
from tests.distributed.plain import PARTS, PROGRAMS, Installation, workers
from tests.support.midnight import TEST_DURATION, wait_past_midnight_and_nightly_run

NO_REDIS = "These tests need redis-server. On Debian and Ubuntu: `apt-get install redis-server`."
NO_PROGRAMS = "The packages for an installation are missing. `make test-distributed` installs them."
SECOND = '{"conn_type": "agora_dashboard", "login": "second", "password": "of the second account"}'
THIRD = "postgresql://somebody:something@localhost/elsewhere"


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Yield an empty PostgreSQL server, Redis and the sandbox; `.env` has two connections and a variable."""
    if not (shutil.which("redis-server") and shutil.which("redis-cli")):
        pytest.fail(NO_REDIS)
    if not (PROGRAMS / "airflow").exists():
        pytest.fail(NO_PROGRAMS)
    plain = Installation(tmp_path_factory.mktemp("distributed") / "plain")
    try:
        plain.change(
            AIRFLOW_CONN_AGORA_SECOND=SECOND, AIRFLOW_CONN_AGORA_THIRD=THIRD, AIRFLOW_VAR_AGORA_KEPT="of .env"
        )
        plain.start("postgres", "redis", "sandbox")
        yield plain
    finally:
        plain.clean()


@pytest.fixture(scope="session")
def first_start(installation: Installation) -> CompletedProcess[str]:
    """Return the result of the first `init`, which finds an empty server."""
    return installation.run("init")


@pytest.fixture(scope="session")
def session_live(installation: Installation, first_start: CompletedProcess[str]) -> Live:
    """Return the installation with two workers, connected to the sandbox, with a month collected."""
    assert first_start.returncode == 0, first_start.stdout + first_start.stderr
    installation.start(*PARTS, *workers(2))
    configured = installation.run("sandbox-account")
    assert configured.returncode == 0, configured.stdout + configured.stderr
    live = Live(installation)
    live.scheduled_run()
    return live


@pytest.fixture
def live(session_live: Live) -> Live:
    """Return the installation with all processes running, an empty warehouse and no scripted faults."""
    wait_past_midnight_and_nightly_run(TEST_DURATION)
    session_live.installation.start("redis", "sandbox", *PARTS, *workers(2))
    session_live.reset()
    return session_live
