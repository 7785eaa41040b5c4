"""One installation of plain processes for all tests of this room: it takes a minute, so it starts once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from subprocess import CompletedProcess

import pytest

from tests.distributed.live import Live
from tests.distributed.plain import PARTS, PROGRAMS, Installation, workers
from tests.support.midnight import A_TEST, let_the_night_pass

NO_REDIS = "redis-server is needed: on Debian and Ubuntu `apt-get install redis-server`."
NO_PROGRAMS = "The packages of an installation are missing: `make test-distributed` installs them."
SECOND = '{"conn_type": "agora_dashboard", "login": "second", "password": "of the second account"}'
THIRD = "postgresql://somebody:something@localhost/elsewhere"


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Yield an empty PostgreSQL server, Redis and the sandbox; `.env` names two connections, a variable."""
    if not (shutil.which("redis-server") and shutil.which("redis-cli")):
        pytest.fail(NO_REDIS)
    if not (PROGRAMS / "airflow").exists():
        pytest.fail(NO_PROGRAMS)
    made = Installation(tmp_path_factory.mktemp("distributed") / "plain")
    try:
        made.change(
            AIRFLOW_CONN_AGORA_SECOND=SECOND, AIRFLOW_CONN_AGORA_THIRD=THIRD, AIRFLOW_VAR_AGORA_KEPT="of .env"
        )
        made.start("postgres", "redis", "sandbox")
        yield made
    finally:
        made.clean()


@pytest.fixture(scope="session")
def first_start(installation: Installation) -> CompletedProcess[str]:
    """Return what `init` said when there was nothing yet."""
    return installation.run("init")


@pytest.fixture(scope="session")
def session_live(installation: Installation, first_start: CompletedProcess[str]) -> Live:
    """Return the installation with two workers, pointed at the sandbox, with a month collected."""
    assert first_start.returncode == 0, first_start.stdout + first_start.stderr
    installation.start(*PARTS, *workers(2))
    pointed = installation.run("sandbox-account")
    assert pointed.returncode == 0, pointed.stdout + pointed.stderr
    live = Live(installation)
    live.scheduled_run()
    return live


@pytest.fixture
def live(session_live: Live) -> Live:
    """Return it with everything running, an empty warehouse and no scripted faults."""
    let_the_night_pass(A_TEST)
    session_live.installation.start("redis", "sandbox", *PARTS, *workers(2))
    session_live.start_afresh()
    return session_live
