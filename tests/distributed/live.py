"""A running installation, driven as people drive it: Airflow's API, SQL, the sandbox's controls."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from itertools import cycle
from typing import Any

from agora.warehouse import roles
from deploy.local.secret_files import Secrets
from deploy.local.settings import HOST, Settings
from deploy.local.stack import UP, Stack
from tests.distributed.plain import Installation, wait_until
from tests.stack.stack import LiveStack, Run

DAILY = "agora_bandwidth_daily"
RUN_SECONDS = 240
AppDay = tuple[str, date]
Points = list[int | float | None]


class Live(LiveStack):
    """Airflow, sandbox and warehouse of one installation."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        super().__init__(_as_a_stack(installation))

    def _query(self, statement: str, role: str, database: str) -> list[tuple[Any, ...]]:
        # Passwords are read anew each time: some tests change them.
        password = self.installation.variables[f"AGORA_{role.upper()}_PASSWORD"]
        port = self.installation.ports["postgres"]
        with (
            roles.connect(HOST, port, role, password, database) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def sandbox(self, method: str, call: str, body: Any = None) -> Any:
        """Call one of the sandbox's own controls."""
        return self.installation.sandbox.control(method, call, body)

    @contextmanager
    def accounts(self, number: int) -> Iterator[None]:
        """Deal the apps out to so many accounts: of each a batch is planned, and all are due at once."""
        own = self.call("GET", "/api/v2/connections/agora_dashboard")
        # They are one customer to the sandbox, which lets it ask 60 times a second.
        extra = {**json.loads(own["extra"]), "requests_per_second": 48 // number}
        names = [f"agora_account_{n}" for n in range(1, number + 1)]
        try:
            for name in names:
                self.api.put_connection(
                    name,
                    conn_type=own["conn_type"],
                    host=own["host"],
                    login=own["login"],
                    password=self.installation.variables["AGORA_SANDBOX_CUSTOMER_CERTIFICATE"],
                    extra=json.dumps(extra),
                )
            of_apps = zip(self.app_ids, cycle(names), strict=False)
            self.set_apps([{"app_id": app_id, "conn_id": name} for app_id, name in of_apps])
            yield
        finally:
            for name in names:
                self.call("DELETE", f"/api/v2/connections/{name}")

    def spread_over(self, hosts: Iterable[str]) -> Run:
        """Run the nightly DAG with answers that come slowly until each of those containers collects."""
        run_id, them = self.begin_slowly(seconds=4), {*hosts}
        wait_until(f"{them} collect", lambda: self.hosts(run_id, "running") == them, RUN_SECONDS)
        return self.end(run_id)

    def begin(self) -> str:
        """Trigger the nightly DAG, and return the run's id at once."""
        return str(self.call("POST", f"/api/v2/dags/{DAILY}/dagRuns", {"logical_date": None})["dag_run_id"])

    def begin_slowly(self, seconds: float) -> str:
        """Trigger it while responses take their time, and return the run's id when days of a batch arrive."""
        self.sandbox("PUT", "faults", [{"kind": "delay", "seconds": seconds}])
        run_id = self.begin()
        # The plan's access check has stored a day of each account before.
        wait_until("a batch begins", lambda: bool(self.hosts(run_id, "running", "collect")), RUN_SECONDS)
        before = len(self.collected())
        wait_until("days arrive", lambda: len(self.collected()) > before, RUN_SECONDS)
        return run_id

    def end(self, run_id: str) -> Run:
        """Let answers come at once again, and wait until the run ends."""
        self.sandbox("PUT", "faults", [])
        return self.ended(DAILY, run_id)

    def collected(self) -> dict[AppDay, Points]:
        """Return the points of each app-day that the warehouse has."""
        statement = (
            "select app_id, usage_date, kbps from core.app_day inner join core.app using (app_key)"
            " where state = 'collected'"
        )
        return {(app_id, day): kbps for app_id, day, kbps in self.sql(statement)}

    def truth(self) -> dict[AppDay, Points]:
        """Return what the sandbox has of each wanted app-day."""
        wanted = self.sql("select app_id, usage_date from mart.coverage")
        assert len(wanted) > 20 * 27
        sandbox = self.installation.sandbox
        return {(app_id, day): sandbox.points(app_id, day) for app_id, day in wanted}

    def rows(self) -> dict[AppDay, str]:
        """Return each stored app-day with its points and the response that they are from."""
        # A partial day is requested again, which counts an attempt.
        statement = (
            "select app_id, usage_date, (starts_at, kbps, collected_at, body_sha256)::text"
            " from core.app_day inner join core.app using (app_key) where kbps is not null"
        )
        return {(app_id, day): row for app_id, day, row in self.sql(statement)}

    def asked_for(self) -> Counter[AppDay]:
        """Count how often each app-day was asked for."""
        dates = self.sandbox("GET", "stats")["usage_dates"]
        return Counter(
            {
                (app_id, date.fromisoformat(day)): count
                for app_id, days in dates.items()
                for day, count in days.items()
            }
        )

    def hosts(self, run_id: str, state: str = "success", task: str = "") -> set[str]:
        """Name the containers in which tasks of a run, or those of one name, are or were in a state."""
        found = self.metadata(
            "select distinct hostname from task_instance"
            f" where run_id = '{run_id}' and state = '{state}' and hostname <> '' and task_id like '%{task}'"
        )
        return {hostname for (hostname,) in found}

    def written(self) -> Iterator[tuple[str, str]]:
        """Yield everything that was written down: processes' output, task logs, Airflow's database."""
        state = self.installation.state
        for directory in ("log", "logs"):
            for path in (state / directory).rglob("*"):
                if path.is_file():
                    yield str(path.relative_to(state)), path.read_text(errors="replace")
        for (table,) in self.metadata("select tablename from pg_tables where schemaname = 'public'"):
            ((text,),) = self.metadata(f'select string_agg(t::text, chr(10)) from "{table}" as t')
            yield f"table {table}", text or ""


def _as_a_stack(installation: Installation) -> Stack:
    ports, variables = installation.ports, installation.variables
    secrets = Secrets(
        postgres={role: variables[f"AGORA_{role.upper()}_PASSWORD"] for role in ("postgres", *roles.ROLES)},
        fernet_key=variables["AGORA_FERNET_KEY"],
        jwt_secret=variables["AGORA_JWT_SECRET"],
        api_secret_key=variables["AGORA_API_SECRET_KEY"],
        admin_password=variables["AGORA_ADMIN_PASSWORD"],
        sandbox_customer_id=variables["AGORA_SANDBOX_CUSTOMER_ID"],
        sandbox_customer_certificate=variables["AGORA_SANDBOX_CUSTOMER_CERTIFICATE"],
    )
    settings = Settings(installation.state, ports["api-server"], ports["postgres"], ports["sandbox"])
    return Stack(settings, secrets, UP, {})
