"""A running installation, operated through Airflow's API, SQL and the sandbox's control endpoints."""

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
    """Airflow, the sandbox and the warehouse of one installation."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        super().__init__(_stack_of(installation))

    def _query(self, statement: str, role: str, database: str) -> list[tuple[Any, ...]]:
        # Read the password each time, because some tests change it.
        password = self.installation.variables[f"AGORA_{role.upper()}_PASSWORD"]
        port = self.installation.ports["postgres"]
        with (
            roles.connect(HOST, port, role, password, database) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def sandbox(self, method: str, call: str, body: Any = None) -> Any:
        """Call one of the sandbox's control endpoints."""
        return self.installation.sandbox.control(method, call, body)

    @contextmanager
    def accounts(self, number: int) -> Iterator[None]:
        """Divide the apps among several accounts. Each account gets a batch, and all are due immediately."""
        own = self.call("GET", "/api/v2/connections/agora_dashboard")
        # To the sandbox, they are one customer, which may send 60 requests per second.
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
            assignments = zip(self.app_ids, cycle(names), strict=False)
            self.set_apps([{"app_id": app_id, "conn_id": name} for app_id, name in assignments])
            yield
        finally:
            for name in names:
                self.call("DELETE", f"/api/v2/connections/{name}")

    def run_on(self, hosts: Iterable[str]) -> Run:
        """Run the nightly DAG, with delayed responses until each of these containers collects."""
        run_id, expected = self.begin_slowly(seconds=4), {*hosts}
        wait_until(f"{expected} collect", lambda: self.hosts(run_id, "running") == expected, RUN_SECONDS)
        return self.end(run_id)

    def begin(self) -> str:
        """Trigger the nightly DAG, and return the run ID immediately."""
        return str(self.call("POST", f"/api/v2/dags/{DAILY}/dagRuns", {"logical_date": None})["dag_run_id"])

    def begin_slowly(self, seconds: float) -> str:
        """Trigger the nightly DAG with delayed responses; return the run ID once a batch collects days."""
        self.sandbox("PUT", "faults", [{"kind": "delay", "seconds": seconds}])
        run_id = self.begin()
        # The plan's access check has already stored a day for each account.
        wait_until("a batch begins", lambda: bool(self.hosts(run_id, "running", "collect")), RUN_SECONDS)
        before = len(self.collected())
        wait_until("days arrive", lambda: len(self.collected()) > before, RUN_SECONDS)
        return run_id

    def end(self, run_id: str) -> Run:
        """Remove the delay of responses, and wait until the run ends."""
        self.sandbox("PUT", "faults", [])
        return self.wait_for_run(DAILY, run_id)

    def collected(self) -> dict[AppDay, Points]:
        """Return the points of each collected app-day."""
        statement = (
            "select app_id, usage_date, kbps from core.app_day inner join core.app using (app_key)"
            " where state = 'collected'"
        )
        return {(app_id, day): kbps for app_id, day, kbps in self.sql(statement)}

    def truth(self) -> dict[AppDay, Points]:
        """Return the sandbox's points for each expected app-day."""
        expected = self.sql("select app_id, usage_date from mart.coverage")
        assert len(expected) > 20 * 27
        sandbox = self.installation.sandbox
        return {(app_id, day): sandbox.points(app_id, day) for app_id, day in expected}

    def rows(self) -> dict[AppDay, str]:
        """Return each stored app-day with its points and the response that contained them."""
        # Attempts are left out, because a partial day is requested again.
        statement = (
            "select app_id, usage_date, (starts_at, kbps, collected_at, body_sha256)::text"
            " from core.app_day inner join core.app using (app_key) where kbps is not null"
        )
        return {(app_id, day): row for app_id, day, row in self.sql(statement)}

    def request_counts(self) -> Counter[AppDay]:
        """Count the requests for each app-day."""
        dates = self.sandbox("GET", "stats")["usage_dates"]
        return Counter(
            {
                (app_id, date.fromisoformat(day)): count
                for app_id, days in dates.items()
                for day, count in days.items()
            }
        )

    def hosts(self, run_id: str, state: str = "success", task: str = "") -> set[str]:
        """Return the containers in which tasks of a run, optionally of one name, are or were in a state."""
        found = self.metadata(
            "select distinct hostname from task_instance"
            f" where run_id = '{run_id}' and state = '{state}' and hostname <> '' and task_id like '%{task}'"
        )
        return {hostname for (hostname,) in found}

    def logs_and_tables(self) -> Iterator[tuple[str, str]]:
        """Yield all written texts: process output, task logs and the tables of Airflow's database."""
        state = self.installation.state
        for directory in ("log", "logs"):
            for path in (state / directory).rglob("*"):
                if path.is_file():
                    yield str(path.relative_to(state)), path.read_text(errors="replace")
        for (table,) in self.metadata("select tablename from pg_tables where schemaname = 'public'"):
            ((text,),) = self.metadata(f'select string_agg(t::text, chr(10)) from "{table}" as t')
            yield f"table {table}", text or ""


def _stack_of(installation: Installation) -> Stack:
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
