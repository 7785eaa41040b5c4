"""The rights that each route and method of the app requires. The routes are read from the app."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests.browser.logins import NO_ROLE, token_of
from tests.stack.stack import LiveStack
from tests.support.paths import ROOT

Calls = list[tuple[str, str, bool]]  # path, method, whether the app serves it
PREFIX = "/agora/bandwidth"
REVIEW = f"{PREFIX}/api/restatements/review"
BACKFILL_RUNS = "/api/v2/dags/agora_bandwidth_backfill/dagRuns"
ROUTES = """
import json
from agora.web.app import create_app
print("\\n" + json.dumps([(route.path, sorted(route.methods)) for route in create_app().routes]))
"""
VERBS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
ODD_PATHS = (
    "/no/such/thing",
    "/api/coverage/",
    "//api/coverage",
    "/assets/../app.py",
    "/docs",
    "/openapi.json",
)
PLACEHOLDER, A_FILE = "{path:path}", "frame/main.js"
# Some routes require these parameters; the others ignore them.
QUERY = "?month=2026-11&usage_date=2026-11-01&app_id="


@pytest.fixture(scope="module")
def calls(live: LiveStack) -> Calls:
    """Return each path and method, and whether the app serves it."""
    completed = subprocess.run(
        [sys.executable, "-c", ROUTES],
        env={**live.stack.airflow_environment, "PYTHONPATH": str(ROOT / "plugins")},
        capture_output=True,
        text=True,
        check=True,
    )
    routes = json.loads(completed.stdout.splitlines()[-1])
    assert len(routes) > 9
    served = {(path.replace(PLACEHOLDER, A_FILE), verb) for path, methods in routes for verb in methods}
    paths = [*dict.fromkeys(path for path, _ in served), *ODD_PATHS]
    return [(path, verb, (path, verb) in served) for path in paths for verb in VERBS]


def status_of(
    live: LiveStack,
    verb: str,
    path: str,
    token: str | None,
    body: object = None,
    content_type: str = "application/json",
) -> int:
    """Return the status of a response."""
    request = Request(  # noqa: S310 - our own server
        live.stack.settings.ui_url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Content-Type": content_type,
            **({"Authorization": f"Bearer {token}"} if token else {}),
        },
        method=verb,
    )
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=60) as response:
            return int(response.status)
    except HTTPError as refused:
        with refused:
            return refused.code


def statuses(live: LiveStack, calls: Calls, token: str | None) -> Iterator[tuple[str, str, bool, int]]:
    query = QUERY + live.app_ids[0]
    for path, verb, is_served in calls:
        yield path, verb, is_served, status_of(live, verb, PREFIX + path + query, token)


def test_every_route_and_method_returns_401_without_a_login(live: LiveStack, calls: Calls) -> None:
    assert {status for *_, status in statuses(live, calls, None)} == {HTTPStatus.UNAUTHORIZED}


def test_every_route_and_method_returns_403_without_the_right_to_read_the_dag(
    live: LiveStack, calls: Calls
) -> None:
    token = token_of(live, "nobody", NO_ROLE)
    assert {status for *_, status in statuses(live, calls, token)} == {HTTPStatus.FORBIDDEN}


def test_a_viewer_reads_and_changes_nothing(live: LiveStack, calls: Calls) -> None:
    viewer = token_of(live, "viewer", "viewer")
    for path, verb, is_served, status in statuses(live, calls, viewer):
        allowed = HTTPStatus.OK if verb == "GET" else HTTPStatus.FORBIDDEN
        assert status == (allowed if is_served else HTTPStatus.NOT_FOUND), f"{verb} {path}"


@pytest.fixture
def drop(live: LiveStack) -> Iterator[str]:
    """Yield the time of a restatement to zero, and delete the restatement afterwards."""
    ((moment,),) = live.sql(
        "insert into core.restatement (app_key, usage_date, points_changed, points_added, old_collected_at,"
        " old_body_sha256, new_body_sha256, old_sum_kbps, new_sum_kbps)"
        " select app_key, current_date - 9, 288, 0, now(), '\\x01', '\\x02', 288, 0"
        " from core.app where name = 'classroom-02'"
        " returning to_json(restated_at) #>> '{}'"
    )
    yield moment
    live.sql("delete from core.restatement where old_body_sha256 = '\\x01'")


def reviewers(live: LiveStack) -> list[tuple[str | None, bool]]:
    return live.sql("select reviewed_by, reviewed_at is not null from mart.restatement where is_drop")


def test_reviewing_requires_the_right_to_edit_the_nightly_dag(live: LiveStack, drop: str) -> None:
    body = {"until": drop}
    for role in (None, NO_ROLE, "viewer"):
        token = role if role is None else token_of(live, "somebody", role)
        refused = HTTPStatus.UNAUTHORIZED if token is None else HTTPStatus.FORBIDDEN
        assert status_of(live, "POST", REVIEW, token, body) == refused
        assert status_of(live, "POST", REVIEW, token, "no date") == refused, "for any body"
    assert reviewers(live) == [(None, False)]
    assert status_of(live, "POST", REVIEW, token_of(live, "ada", "user"), body) == HTTPStatus.NO_CONTENT
    assert status_of(live, "POST", REVIEW, token_of(live, "bob", "admin"), body) == HTTPStatus.NO_CONTENT
    assert reviewers(live) == [("ada", True)], "the first reviewer stays"


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_form_on_another_site_cannot_review(live: LiveStack, drop: str, content_type: str) -> None:
    """A page from another origin can make a browser send these types without a preflight request."""
    admin = token_of(live, "admin", "admin")
    status = status_of(live, "POST", REVIEW, admin, {"until": drop}, content_type)
    assert status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert reviewers(live) == [(None, False)]


@pytest.mark.parametrize(
    "body", [None, {}, {"until": "2026-11-29T01:00:00"}, {"until": "now"}, [], "", {"until": None}]
)
def test_a_review_requires_a_time(live: LiveStack, drop: str, body: object) -> None:
    admin = token_of(live, "admin", "admin")
    assert status_of(live, "POST", REVIEW, admin, body) == HTTPStatus.UNPROCESSABLE_ENTITY
    assert reviewers(live) == [(None, False)]


@pytest.mark.parametrize(("role", "status"), [("viewer", HTTPStatus.FORBIDDEN), ("user", HTTPStatus.OK)])
def test_collecting_requires_the_right_to_trigger_the_dag(
    live: LiveStack, role: str, status: HTTPStatus
) -> None:
    token = token_of(live, role, role)
    yesterday = live.sql("select max(usage_date)::text from mart.coverage")[0][0]
    conf = {"from_date": yesterday, "to_date": yesterday, "app_ids": live.app_ids[:1]}
    assert status_of(live, "POST", BACKFILL_RUNS, token, {"logical_date": None, "conf": conf}) == status
    live.end_runs()


@pytest.mark.parametrize(
    "query",
    [
        "bill?month=2026-13",
        "bill?month=0001-01",
        "bill.csv?month=9999-12",
        "bill/volume",
        "coverage?page=0",
        "coverage?page=9223372036854775807",
        "coverage?from_date=2000-01-01&to_date=2999-12-31",
        "coverage?search=%00",
        "coverage?sort=size",
        "traffic?from_date=2026-11-02&to_date=2026-11-01",
        "traffic?app_ids=1&app_ids=2&app_ids=3&app_ids=4&app_ids=5&app_ids=6&app_ids=7",
        "apps?search=%00",
    ],
)
def test_invalid_input_is_rejected(live: LiveStack, query: str) -> None:
    admin = token_of(live, "admin", "admin")
    assert status_of(live, "GET", f"{PREFIX}/api/{query}", admin) == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_cached_file_is_not_sent_again(live: LiveStack) -> None:
    address = f"{live.stack.settings.ui_url}{PREFIX}/assets/plotly.min.js"
    opener = build_opener(ProxyHandler({}))
    login = {"Authorization": f"Bearer {token_of(live, 'viewer', 'viewer')}"}
    with opener.open(Request(address, headers=login), timeout=60) as response:  # noqa: S310 - our own server
        known = {"If-None-Match": response.headers["ETag"]}
        assert "frame-ancestors 'self'" in response.headers["Content-Security-Policy"]
    with pytest.raises(HTTPError) as again:
        opener.open(Request(address, headers=login | known), timeout=60)  # noqa: S310 - our own server
    with again.value as response:
        assert response.code == HTTPStatus.NOT_MODIFIED
