"""A Docker engine with compose for the tests: the one that is here, else one of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.distributed.engine import compose_plugin
from tests.support.paths import ROOT

PROGRAMS = ("dockerd", "docker", "debootstrap", "unshare", "setpriv", "ip", "iptables")
START_SECONDS = 60
STOP_SECONDS = 120


class NoEngineError(Exception):
    """There is no engine here and none can be started; the text says why."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers.

    Attributes:
        is_own: It was started for the tests, and knows no registry.
    """

    is_own: bool
    _environment: Mapping[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment in which `docker` talks to it."""
        return {**os.environ, **self._environment, **more}

    def docker(
        self, *arguments: str, directory: Path = ROOT, check: bool = True, seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker` to its end.

        Raises:
            AssertionError: It failed; the text has its last words.
        """
        command = ["docker", *arguments]
        answer = subprocess.run(
            command,
            cwd=directory,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
        if check and answer.returncode:
            words = (answer.stdout + answer.stderr)[-4000:]
            raise AssertionError(f"{' '.join(command)} ended with {answer.returncode}:\n{words}")
        return answer


@contextmanager
def running_engine() -> Iterator[Engine]:
    """Yield an engine; one of our own is gone without a trace afterwards, even when we are killed.

    Raises:
        NoEngineError: There is none, and none can be started.
    """
    here = Engine(is_own=False)
    if _answers(here):
        yield here
        return
    _refuse_without_means()
    home = Path(tempfile.mkdtemp(prefix="agora-engine-"))
    try:
        configuration = home / "docker"
        try:
            compose_plugin.install(configuration / "cli-plugins")
        except compose_plugin.NoPluginError as problem:
            raise NoEngineError(str(problem)) from problem
        with _kept(home):
            own = {"DOCKER_HOST": f"unix://{home}/socket", "DOCKER_CONFIG": str(configuration)}
            yield Engine(is_own=True, _environment=own)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _answers(engine: Engine) -> bool:
    if shutil.which("docker") is None:
        return False
    questions = (("info",), ("compose", "version"))
    return all(engine.docker(*question, check=False, seconds=30).returncode == 0 for question in questions)


def _refuse_without_means() -> None:
    if os.geteuid() != 0:
        raise NoEngineError("No Docker engine with compose answers, and only root can start one.")
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        raise NoEngineError(
            f"No Docker engine with compose answers, and to start one {', '.join(absent)} is missing: "
            "apt-get install docker.io debootstrap"
        )


@contextmanager
def _kept(home: Path) -> Iterator[None]:
    """Run dockerd under a keeper of its own, which tidies up when our end of its standard input closes."""
    with (home / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.distributed.engine.keeper", str(home), str(START_SECONDS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C is for the test run, which then closes the standard input.
            start_new_session=True,
        )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    try:
        said = keeper.stdout.readline().strip()
        if said != "ready":
            raise NoEngineError(f"dockerd does not start here: {said or 'its keeper ended without a word'}")
        yield
    finally:
        keeper.stdin.close()
        keeper.wait(STOP_SECONDS)
        keeper.stdout.close()
