"""Run a sandbox in a child process, stop it reliably, and compute the points it serves."""

from __future__ import annotations

import os
import re
import secrets
import signal
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from sandbox.credentials import CERTIFICATE_VARIABLE, ID_VARIABLE
from sandbox.traffic.apps import App, recorded_app, seeded_apps
from sandbox.traffic.recorded import read_recorded_traffic
from sandbox.traffic.served_day import ServedDays
from sandbox.traffic.slots import SLOT_LABELS
from tests.support.sandbox_client import Reply, SandboxClient
from tests.support.sandbox_forks import Child, fork

__all__ = ["Reply", "RunningSandbox", "running_sandbox"]

_START_SECONDS = 60
_STOP_SECONDS = 10
_BASE_URL = re.compile(r"Base URL: http://127\.0\.0\.1:([0-9]+)/")


class RunningSandbox(SandboxClient):
    """A sandbox in a child process, created by `running_sandbox`.

    It can be stopped and restarted on the same port, to simulate an outage of the API.

    Args:
        arguments: The command line after `python -m sandbox`, without --port.
        port: The port; 0 selects a free port.
        customer_id: The Customer ID; random by default.
        customer_certificate: The Customer Certificate; random by default.
        apps: Number of generated apps.
        seed: Seed for the generated apps.
        timezone: Time zone of usage dates.
        traffic: File with traffic to replay as an additional app.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        port: int,
        customer_id: str | None,
        customer_certificate: str | None,
        apps: int,
        seed: int,
        timezone: str,
        traffic: Path | None,
    ) -> None:
        super().__init__(
            port, customer_id or secrets.token_hex(16), customer_certificate or secrets.token_hex(16)
        )
        self._arguments = list(arguments)
        self._seed = seed
        self._traffic = traffic
        self._answers = ServedDays(ZoneInfo(timezone))
        self._seeded = seeded_apps(seed, apps)
        self._child: Child | None = None
        # A file instead of a pipe, so that the child never waits for a reader.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()

    # Apps and points

    @cached_property
    def apps(self) -> list[App]:
        """The account's apps, with the replayed app last."""
        if self._traffic is None:
            return self._seeded
        described = self.control("GET", "apps")[-1]
        last_whole_day = date.fromisoformat(described["last_whole_usage_date"])
        recorded = read_recorded_traffic(self._traffic).shifted_to(last_whole_day)
        return [*self._seeded, recorded_app(self._seed, len(self._seeded), self._traffic, recorded)]

    @property
    def app_ids(self) -> list[str]:
        """The account's App IDs, with the replayed app last."""
        return [app.app_id for app in self.apps]

    def points(self, app_id: str, usage_date: date) -> list[int | float | None]:
        """Return the true points of a day, regardless of faults, window and clock.

        Args:
            app_id: An App ID in the account.
            usage_date: The calendar day.

        Returns:
            288 values in kbps, one per five-minute slot, or None for an absent point.
        """
        app = next(app for app in self.apps if app.app_id == app_id)
        value = self._answers.value(app, usage_date)
        return [value.get(label) for label in SLOT_LABELS]

    # Start and stop

    def start(self) -> Self:
        """Start the child process and wait until it listens.

        Raises:
            RuntimeError: The sandbox ended or did not listen in time. The text contains its log.
        """
        log_start = len(self.log())
        environment = os.environ | {
            ID_VARIABLE: self.customer_id,
            CERTIFICATE_VARIABLE: self.customer_certificate,
        }
        # The child ends when its standard input is closed, even if this process is killed.
        arguments = ["--until-input-ends", "--port", str(self.port), *self._arguments]
        self._child = fork(arguments, environment, self._log.fileno())
        try:
            self.port = self._wait_until_ready(self._child, log_start)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the child process, and kill it if it does not end in time."""
        child, self._child = self._child, None
        if child is not None:
            child.stop(_STOP_SECONDS)

    @property
    def pid(self) -> int:
        """The child's process ID.

        Raises:
            RuntimeError: The sandbox is not running.
        """
        if self._child is None:
            raise RuntimeError("The sandbox is not running.")
        return self._child.pid

    def kill(self) -> None:
        """Kill the child process, to simulate a crash."""
        if self._child is not None:
            self._child.signal(signal.SIGKILL)
        self.stop()

    def close(self) -> None:
        """Stop the child process and delete its log."""
        self.stop()
        self._log.close()

    def log(self) -> str:
        """Return the complete output of the child process, across restarts."""
        # `pread` leaves the file position unchanged; the child writes through the same open file.
        return os.pread(self._log.fileno(), os.fstat(self._log.fileno()).st_size, 0).decode()

    def _wait_until_ready(self, child: Child, log_start: int) -> int:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if match := _BASE_URL.search(self.log(), log_start):
                return int(match[1])
            if child.has_ended():
                raise RuntimeError(f"The sandbox ended:\n{self.log()[log_start:]}")
            time.sleep(0.01)
        raise RuntimeError(f"The sandbox did not listen in {_START_SECONDS} s:\n{self.log()[log_start:]}")


@contextmanager
def running_sandbox(
    *,
    apps: int = 3,
    seed: int = 7,
    rate_limit: float = 0,
    retry_after: int | None = None,
    window: str = "1 month",
    timezone: str = "UTC",
    clock: datetime | str | None = None,
    traffic: Path | str | None = None,
    faults: Sequence[dict[str, Any]] = (),
    faults_file: Path | str | None = None,
    latency_ms: float = 0,
    quiet: bool = False,
    port: int = 0,
    customer_id: str | None = None,
    customer_certificate: str | None = None,
) -> Iterator[RunningSandbox]:
    """Run `python -m sandbox` in a child process for the duration of a `with` block.

    The parameters are those of the command line. By default there is no rate limit, and the port is free.

    Yields:
        The sandbox, already listening.
    """
    file = None if traffic is None else Path(traffic).resolve()
    options = {
        "--apps": apps,
        "--seed": seed,
        "--rate-limit": rate_limit,
        "--retry-after": retry_after,
        "--window": window,
        "--timezone": timezone,
        "--clock": clock.isoformat() if isinstance(clock, datetime) else clock,
        "--traffic": file,
        "--faults": None if faults_file is None else Path(faults_file).resolve(),
        "--latency-ms": latency_ms,
    }
    arguments = [f"{name}={value}" for name, value in options.items() if value is not None]
    sandbox = RunningSandbox(
        [*arguments, *(["--quiet"] if quiet else [])],
        port=port,
        customer_id=customer_id,
        customer_certificate=customer_certificate,
        apps=apps,
        seed=seed,
        timezone=timezone,
        traffic=file,
    )
    try:
        sandbox.start()
        if faults:
            sandbox.put_faults(faults)
        yield sandbox
    finally:
        sandbox.close()
