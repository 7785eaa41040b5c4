"""Permissions of FAB's users and roles: every route of the page, with every HTTP method."""

from __future__ import annotations

import json
from datetime import timedelta
from http import HTTPStatus
from urllib.request import urlopen

import pytest

from deploy.local.airflow_api import AirflowApi
from tests.browser.test_rights import BACKFILL_RUNS, PREFIX, ROUTES, VERBS, status_of
from tests.distributed.live import Live

Routes = dict[tuple[str, str], bool]
PASSWORD = "of nobody in particular"
A_FILE, A_MONTH = "frame/main.js", "?month=2026-11"
A_DAY = "?app_id=nobody&usage_date=2026-11-01"
ROLES = ("Public", "Viewer", "User", "Admin")


@pytest.fixture(scope="module")
def routes(session_live: Live) -> dict[tuple[str, str], bool]:
    """Return each path of the page with each method, and whether the app serves it."""
    result = session_live.installation.run("scheduler", "python", "-c", ROUTES)
    found = json.loads(result.stdout.splitlines()[-1])
    assert len(found) > 9
    served = {(path.replace("{path:path}", A_FILE), verb) for path, methods in found for verb in methods}
    paths = [*dict.fromkeys(path for path, _ in served), "/no/such/thing", "/docs"]
    return {(path, verb): (path, verb) in served for path in paths for verb in VERBS}


@pytest.fixture(scope="module")
def tokens(session_live: Live) -> dict[str, str]:
    """Create a user for each role, log in, and return the tokens by role."""
    for role in ROLES:
        user = {
            "username": role.lower() + "_user",
            "first_name": role,
            "last_name": "User",
            "email": f"{role.lower()}_user@localhost",
            "roles": [{"name": role}],
            "password": PASSWORD,
        }
        session_live.call("POST", "/auth/fab/v1/users", user)
    api = AirflowApi(session_live.installation.ui_url, "")
    credentials = {role: {"username": role.lower() + "_user", "password": PASSWORD} for role in ROLES}
    return {
        role: api._send("POST", "/auth/token", login, {})["access_token"]
        for role, login in credentials.items()
    }


def statuses(live: Live, routes: Routes, token: str | None) -> dict[tuple[str, str], int]:
    queries = {"/api/day": A_DAY}
    return {
        (path, verb): status_of(live, verb, PREFIX + path + queries.get(path, A_MONTH), token)
        for path, verb in routes
    }


def test_every_route_and_method_returns_401_without_a_login(session_live: Live, routes: Routes) -> None:
    assert set(statuses(session_live, routes, None).values()) == {HTTPStatus.UNAUTHORIZED}


def test_every_route_and_method_returns_403_without_rights(
    session_live: Live, routes: Routes, tokens: dict[str, str]
) -> None:
    assert set(statuses(session_live, routes, tokens["Public"]).values()) == {HTTPStatus.FORBIDDEN}


@pytest.mark.parametrize(
    ("role", "review_status"),
    [("Viewer", HTTPStatus.FORBIDDEN), ("Admin", HTTPStatus.UNPROCESSABLE_ENTITY)],
)
def test_users_with_read_access_read_every_route_and_change_nothing(
    session_live: Live, routes: Routes, tokens: dict[str, str], role: str, review_status: HTTPStatus
) -> None:
    for (path, verb), status in statuses(session_live, routes, tokens[role]).items():
        expected = HTTPStatus.OK if verb == "GET" else review_status
        assert status == (expected if routes[path, verb] else HTTPStatus.NOT_FOUND), f"{verb} {path}"


@pytest.mark.parametrize(("role", "may_collect"), [("Viewer", False), ("User", True), ("Admin", True)])
def test_collecting_requires_the_right_to_trigger_the_dag(
    live: Live, tokens: dict[str, str], role: str, may_collect: bool
) -> None:
    yesterday = str(live.today - timedelta(days=1))
    conf = {"from_date": yesterday, "to_date": yesterday, "app_ids": live.app_ids[:1]}
    status = status_of(live, "POST", BACKFILL_RUNS, tokens[role], {"logical_date": None, "conf": conf})

    assert status == (HTTPStatus.OK if may_collect else HTTPStatus.FORBIDDEN)
    assert page_allows_collecting(live, tokens[role]) == may_collect
    live.end_runs()


def test_the_login_page_responds(session_live: Live) -> None:
    with urlopen(f"{session_live.installation.ui_url}/auth/login/", timeout=60) as page:  # noqa: S310 - our own server
        text = page.read().decode()
    assert page.status == HTTPStatus.OK
    assert 'name="password"' in text


def page_allows_collecting(live: Live, token: str) -> bool:
    api = AirflowApi(live.installation.ui_url, "")
    return bool(
        api._send("GET", f"{PREFIX}/api/rights", None, {"Authorization": f"Bearer {token}"})["may_collect"]
    )
