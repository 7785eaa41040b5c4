"""Nightly runs that are triggered repeatedly on a live stack, with new apps to collect."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, suppress
from datetime import date, timedelta

from psycopg2 import extensions

from agora.warehouse import roles
from deploy.local.errors import StackError
from deploy.local.settings import HOST
from tests.chaos.checker import Acknowledged, AppDay, Findings, check, committed, missing
from tests.chaos.site import ChaosError
from tests.chaos.truth import Truth
from tests.stack.stack import LiveStack
from tests.support.sandbox_server import RunningSandbox

DAILY = "agora_bandwidth_daily"
APPS_PER_NIGHT = 2
ALONE_SECONDS = 900.0  # generous: it takes about a minute


class Nights:
    """The runs that are active while parts of Airflow are killed."""

    def __init__(self, live: LiveStack, sandbox: RunningSandbox, truth: Truth) -> None:
        self._live = live
        self._sandbox = sandbox
        self._truth = truth
        self._apps = 0
        self.triggered = 0
        self.acknowledged: dict[AppDay, Acknowledged] = {}

    def keep_running(self, seconds: float) -> None:
        """Let some time pass, and trigger a run with new apps whenever no run is active."""
        until = time.monotonic() + seconds
        while True:
            # The api-server may be down at the moment.
            with suppress(StackError):
                if not self._live.api.active_runs(DAILY):
                    self._trigger(new_apps=APPS_PER_NIGHT)
            if time.monotonic() >= until:
                return
            time.sleep(min(0.5, max(0.0, until - time.monotonic())))

    def keep_running_until_collected(self) -> None:
        """Let time pass until the warehouse has more data, so that kills do not hit an idle stack.

        Raises:
            ChaosError: No more data is collected.
        """
        known = len(self.acknowledged)
        deadline = time.monotonic() + ALONE_SECONDS
        while len(self.acknowledged) == known:
            if time.monotonic() > deadline:
                raise ChaosError(
                    f"Nothing was collected for {ALONE_SECONDS:.0f} s although runs were triggered."
                )
            self.keep_running(1)
            self.observe()

    def observe(self) -> None:
        """Remember the visible app-days in the warehouse. They are committed and must never disappear."""
        with self._warehouse() as connection:
            for app_day, seen in committed(connection).items():
                before = self.acknowledged.get(app_day)
                if before is None or seen.collected_at > before.collected_at:
                    self.acknowledged[app_day] = seen

    def check(self) -> Findings:
        """Compare the warehouse with the truth and with the app-days seen before."""
        with self._warehouse() as connection:
            return check(connection, self._truth, self.acknowledged)

    def gaps_after_undisturbed_runs(self) -> set[AppDay]:
        """Trigger runs without further intervention; return the app-days that are never collected."""
        deadline = time.monotonic() + ALONE_SECONDS
        while (gaps := self._gaps()) and time.monotonic() < deadline:
            with suppress(StackError):
                if not self._live.api.active_runs(DAILY):
                    self._trigger(new_apps=0)
            time.sleep(1)
        self.observe()
        return gaps

    def require_success(self) -> None:
        """Require that one more run succeeds.

        Raises:
            ChaosError: The run does not succeed.
        """
        deadline = time.monotonic() + ALONE_SECONDS
        run_id, state = "", ""
        while state not in ("success", "failed") and time.monotonic() < deadline:
            # The last kill may have hit the api-server.
            with suppress(StackError):
                run_id = run_id or self._trigger(new_apps=0)
                state = self._live.api.run_state(DAILY, run_id)
            time.sleep(1)
        if state != "success":
            raise ChaosError(f"The run {run_id} after all kills is {state or 'unavailable'}.")

    def _warehouse(self) -> AbstractContextManager[extensions.connection]:
        stack = self._live.stack
        password = stack.secrets.postgres["owner"]
        return roles.connect(HOST, stack.settings.pg_port, "owner", password, "warehouse")

    def _trigger(self, new_apps: int) -> str:
        app_ids = self._sandbox.app_ids[: self._apps + new_apps]
        self._live.set_apps(app_ids)
        self._apps = len(app_ids)
        self.triggered += 1  # even if the response is lost with the api-server
        run_id = f"chaos_{self.triggered}"
        self._live.api.trigger(DAILY, run_id, "")
        return run_id

    def _gaps(self) -> set[AppDay]:
        health = self._sandbox.health()
        oldest, today = (date.fromisoformat(health[name]) for name in ("oldest_usage_date", "today"))
        days = [oldest + timedelta(days=number) for number in range((today - oldest).days)]
        expected = {(app_id, day) for app_id in self._sandbox.app_ids[: self._apps] for day in days}
        with self._warehouse() as connection:
            return missing(connection, expected)
