"""Client for Airflow's REST API: health, pools, connections, variables, DAGs, runs and logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from deploy.local.errors import StackError

Json = dict[str, Any]
RUNNING = ("queued", "running")


class ApiError(StackError):
    """Airflow's API rejected a request."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class ApiUnavailableError(StackError):
    """Airflow's API does not respond."""


class AirflowApi:
    """Client for Airflow's REST API, logged in as the user `admin`.

    Args:
        base_url: Base URL of the api-server.
        password: Password of the user `admin`.
    """

    def __init__(self, base_url: str, password: str) -> None:
        self._base_url = base_url
        self._password = password
        self._token: str | None = None
        # No proxy, because the server runs on this machine.
        self._opener: OpenerDirector = build_opener(ProxyHandler({}))

    def health(self) -> dict[str, str]:
        """Return the status of each component, such as `healthy`."""
        response = self._send("GET", "/api/v2/monitor/health", None, {})
        return {name: str((part or {}).get("status")) for name, part in response.items()}

    def put_connection(self, conn_id: str, **fields: Any) -> None:
        """Create a connection, or update the fields of an existing connection."""
        body = {"connection_id": conn_id, **fields}
        path = f"/api/v2/connections/{quote(conn_id)}"
        if self._exists(path):
            self._call("PATCH", path, body)
        else:
            self._call("POST", "/api/v2/connections", body)

    def create_pool(self, name: str, slots: int, description: str) -> None:
        """Create a pool unless it exists. An existing pool keeps its slots, which a user may have changed."""
        if not self._exists(f"/api/v2/pools/{quote(name)}"):
            body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
            self._call("POST", "/api/v2/pools", body)

    def create_variable(self, key: str, value: str, description: str) -> None:
        """Create a variable unless it exists."""
        if not self._exists(f"/api/v2/variables/{quote(key)}"):
            body = {"key": key, "value": value, "description": description}
            self._call("POST", "/api/v2/variables", body)

    def variable(self, key: str) -> str | None:
        """Return a variable's value as text, or None if the variable does not exist."""
        try:
            value = self._call("GET", f"/api/v2/variables/{quote(key)}")["value"]
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise
        return str(value)

    def has_dag(self, dag_id: str) -> bool:
        """Report whether Airflow has parsed a DAG."""
        return self._exists(f"/api/v2/dags/{quote(dag_id)}")

    def import_errors(self) -> list[str]:
        """Return one line per DAG file with an import error: the file and the traceback's last line."""
        found = self._call("GET", "/api/v2/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in found]

    def unpause(self, dag_id: str) -> None:
        """Unpause a DAG, so that it runs on its schedule."""
        self._call("PATCH", f"/api/v2/dags/{quote(dag_id)}?update_mask=is_paused", {"is_paused": False})

    def trigger(self, dag_id: str, run_id: str, note: str) -> None:
        """Start a run of a DAG."""
        body = {"dag_run_id": run_id, "logical_date": None, "note": note}
        self._call("POST", f"/api/v2/dags/{quote(dag_id)}/dagRuns", body)

    def active_runs(self, dag_id: str) -> list[str]:
        """Return the IDs of a DAG's unfinished runs, newest first."""
        query = urlencode({"state": RUNNING, "order_by": "-run_after", "limit": 100}, doseq=True)
        runs = self._call("GET", f"/api/v2/dags/{quote(dag_id)}/dagRuns?{query}")["dag_runs"]
        return [run["dag_run_id"] for run in runs]

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return a run's state: queued, running, success or failed."""
        return str(self._call("GET", _run_path(dag_id, run_id))["state"])

    def task_instances(self, dag_id: str, run_id: str) -> list[Json]:
        """Return a run's task instances."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances?limit=100"
        return list(self._call("GET", path)["task_instances"])

    def log(self, dag_id: str, run_id: str, task: Mapping[str, Any]) -> list[Json]:
        """Return the log lines from a task instance's last try, in Airflow's format."""
        path = (
            f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task['task_id'])}"
            f"/logs/{max(task['try_number'], 1)}?map_index={task['map_index']}&full_content=true"
        )
        content = self._call("GET", path)["content"]
        return [line if isinstance(line, dict) else {"event": str(line)} for line in content]

    def _exists(self, path: str) -> bool:
        try:
            self._call("GET", path)
        except ApiError as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return False
            raise
        return True

    def _call(self, method: str, path: str, body: Json | None = None) -> Json:
        if self._token is None:
            self._log_in()
        try:
            return self._send(method, path, body, {"Authorization": f"Bearer {self._token}"})
        except ApiError as error:
            if error.status != HTTPStatus.UNAUTHORIZED:
                raise
        # The token has expired.
        self._log_in()
        return self._send(method, path, body, {"Authorization": f"Bearer {self._token}"})

    def _log_in(self) -> None:
        credentials = {"username": "admin", "password": self._password}
        self._token = self._send("POST", "/auth/token", credentials, {})["access_token"]

    def _send(self, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> Json:
        request = Request(  # noqa: S310 - our own server
            self._base_url + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json", **headers},
            method=method,
        )
        try:
            with self._opener.open(request, timeout=30) as response:
                return dict(json.loads(response.read() or b"{}"))
        except HTTPError as error:
            with error:
                detail = error.read(2000).decode(errors="replace")
            text = f"Airflow rejected {method} {path.partition('?')[0]}: HTTP {error.code}, {_detail(detail)}"
            raise ApiError(error.code, text) from None
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise ApiUnavailableError(
                f"Airflow's API at {self._base_url} does not respond: {reason}"
            ) from None


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/api/v2/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}"


def _detail(text: str) -> str:
    try:
        detail = json.loads(text)["detail"]
    except (ValueError, KeyError, TypeError):
        return text.strip()[:300]
    if isinstance(detail, list):
        # The rejected input is left out, because it may be a password.
        return "; ".join(f"{'.'.join(map(str, part.get('loc', [])))}: {part.get('msg')}" for part in detail)
    return str(detail)[:300]
