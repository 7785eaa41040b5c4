"""A Docker engine with compose for the tests: the machine's own, or else one started for the tests."""

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
    """No engine is available and none can be started; the message states the reason."""


@dataclass(frozen=True)
class Engine:
    """A Docker engine that responds.

    Attributes:
        is_own: Whether the engine was started for the tests. Such an engine has no access to a registry.
    """

    is_own: bool
    _environment: Mapping[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment in which `docker` uses this engine."""
        return {**os.environ, **self._environment, **more}

    def docker(
        self, *arguments: str, directory: Path = ROOT, check: bool = True, seconds: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run `docker` and return the result.

        Raises:
            AssertionError: The command failed; the message contains the end of its output.
        """
        command = ["docker", *arguments]
        result = subprocess.run(
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
        if check and result.returncode:
            output = (result.stdout + result.stderr)[-4000:]
            raise AssertionError(f"{' '.join(command)} ended with {result.returncode}:\n{output}")
        return result


@contextmanager
def running_engine() -> Iterator[Engine]:
    """Yield an engine. An engine started here leaves no trace, even if the tests are killed.

    Raises:
        NoEngineError: No engine is available, and none can be started.
    """
    local = Engine(is_own=False)
    if _responds(local):
        yield local
        return
    _require_programs()
    home = Path(tempfile.mkdtemp(prefix="agora-engine-"))
    try:
        configuration = home / "docker"
        try:
            compose_plugin.install(configuration / "cli-plugins")
        except compose_plugin.NoPluginError as problem:
            raise NoEngineError(str(problem)) from problem
        with _running_keeper(home):
            own = {"DOCKER_HOST": f"unix://{home}/socket", "DOCKER_CONFIG": str(configuration)}
            yield Engine(is_own=True, _environment=own)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _responds(engine: Engine) -> bool:
    if shutil.which("docker") is None:
        return False
    commands = (("info",), ("compose", "version"))
    return all(engine.docker(*arguments, check=False, seconds=30).returncode == 0 for arguments in commands)


def _require_programs() -> None:
    if os.geteuid() != 0:
        raise NoEngineError("No Docker engine with compose responds, and only root can start one.")
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        raise NoEngineError(
            f"No Docker engine with compose responds, and starting one requires {', '.join(absent)}: "
            "apt-get install docker.io debootstrap"
        )


@contextmanager
def _running_keeper(home: Path) -> Iterator[None]:
    """Run dockerd under a keeper process, which cleans up when our end of its standard input closes."""
    with (home / "keeper.log").open("wb") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.distributed.engine.keeper", str(home), str(START_SECONDS)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C reaches only the test run, which then closes the keeper's standard input.
            start_new_session=True,
        )
    assert keeper.stdin is not None
    assert keeper.stdout is not None
    try:
        status = keeper.stdout.readline().strip()
        if status != "ready":
            raise NoEngineError(f"dockerd does not start here: {status or 'its keeper ended without output'}")
        yield
    finally:
        keeper.stdin.close()
        keeper.wait(STOP_SECONDS)
        keeper.stdout.close()
