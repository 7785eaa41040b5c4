"""Who may see and do what under FAB's users and roles: every route of the page, with every verb."""

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
ROLES = ("Public", "Viewer", "User", "Admin")


@pytest.fixture(scope="module")
def routes(session_live: Live) -> dict[tuple[str, str], bool]:
    """Return each path of the page with each verb, and whether the app serves it."""
    answer = session_live.installation.run("scheduler", "python", "-c", ROUTES)
    found = json.loads(answer.stdout.splitlines()[-1])
    assert len(found) > 9
    served = {(path.replace("{path:path}", A_FILE), verb) for path, methods in found for verb in methods}
    paths = [*dict.fromkeys(path for path, _ in served), "/no/such/thing", "/docs"]
    return {(path, verb): (path, verb) in served for path in paths for verb in VERBS}


@pytest.fixture(scope="module")
def tokens(session_live: Live) -> dict[str, str]:
    """Make a user of each role, and return what each gets by logging in."""
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
    return {(path, verb): status_of(live, verb, PREFIX + path + A_MONTH, token) for path, verb in routes}


def test_without_a_login_every_route_and_verb_answers_401(session_live: Live, routes: Routes) -> None:
    assert set(statuses(session_live, routes, None).values()) == {HTTPStatus.UNAUTHORIZED}


def test_a_user_without_rights_is_answered_403(
    session_live: Live, routes: Routes, tokens: dict[str, str]
) -> None:
    assert set(statuses(session_live, routes, tokens["Public"]).values()) == {HTTPStatus.FORBIDDEN}


@pytest.mark.parametrize(
    ("role", "of_review"),
    [("Viewer", HTTPStatus.FORBIDDEN), ("Admin", HTTPStatus.UNPROCESSABLE_ENTITY)],
)
def test_who_may_look_sees_everything_and_changes_nothing(
    session_live: Live, routes: Routes, tokens: dict[str, str], role: str, of_review: HTTPStatus
) -> None:
    for (path, verb), status in statuses(session_live, routes, tokens[role]).items():
        expected = HTTPStatus.OK if verb == "GET" else of_review
        assert status == (expected if routes[path, verb] else HTTPStatus.NOT_FOUND), f"{verb} {path}"


@pytest.mark.parametrize(("role", "may_collect"), [("Viewer", False), ("User", True), ("Admin", True)])
def test_collecting_takes_the_right_to_trigger_the_dag(
    live: Live, tokens: dict[str, str], role: str, may_collect: bool
) -> None:
    yesterday = str(live.today - timedelta(days=1))
    conf = {"from_date": yesterday, "to_date": yesterday, "app_ids": live.app_ids[:1]}
    status = status_of(live, "POST", BACKFILL_RUNS, tokens[role], {"logical_date": None, "conf": conf})

    assert status == (HTTPStatus.OK if may_collect else HTTPStatus.FORBIDDEN)
    assert offers_to_collect(live, tokens[role]) == may_collect
    live.end_runs()


def test_the_login_page_answers(session_live: Live) -> None:
    with urlopen(f"{session_live.installation.ui_url}/auth/login/", timeout=60) as page:  # noqa: S310 - our own server
        text = page.read().decode()
    assert page.status == HTTPStatus.OK
    assert 'name="password"' in text


def offers_to_collect(live: Live, token: str) -> bool:
    rights = AirflowApi(live.installation.ui_url, "")
    return bool(
        rights._send("GET", f"{PREFIX}/api/rights", None, {"Authorization": f"Bearer {token}"})["may_collect"]
    )
