"""Consecutive refusals concern either one app or the whole account."""

from __future__ import annotations

import pytest

from agora.bandwidth.access_check import (
    REFUSALS_OF_A_SERVED_ACCOUNT,
    REFUSALS_OF_AN_ACCOUNT,
    REFUSALS_OF_AN_APP,
    AccessCheck,
)
from agora.client.dashboard import CONFIRMING_APPS
from agora.errors import AppRefused, UnknownApp

pytestmark = pytest.mark.unit

MANY = 32


def refused(app_id: str) -> AppRefused:
    return AppRefused(
        "HTTP 401", about=f"App {app_id}", app_id=app_id, advice="Check it.", conn_id="agora_dashboard"
    )


def unknown(app_id: str) -> UnknownApp:
    return UnknownApp("HTTP 404", about=f"App {app_id}", app_id=app_id, advice="Check it.")


def access(apps: int, many: int = MANY) -> AccessCheck:
    check = AccessCheck(many)
    check.expect(app_ids(apps))
    return check


def app_ids(apps: int) -> list[str]:
    return [f"app{number:02}" for number in range(apps)]


def refusals_until_stopped(check: AccessCheck, app_ids: list[str], most: int = 1000) -> int | None:
    """Refuse the apps in turn; return the number of refusals that refuse the account, or None."""
    for number in range(most):
        check.note_refusal(refused(app_ids[number % len(app_ids)]))
        if check.refusal_of_account():
            return number + 1
    return None


@pytest.mark.parametrize(("apps", "refusals"), [(1, 3), (2, 3), (3, 3), (4, 4), (5, 5), (20, 5)])
@pytest.mark.parametrize("many", [2, 4, MANY])
def test_an_account_without_served_apps_is_refused_after_a_few_refusals(
    apps: int, refusals: int, many: int
) -> None:
    assert refusals_until_stopped(access(apps, many), app_ids(apps)) == refusals
    assert refusals == max(REFUSALS_OF_AN_ACCOUNT, min(CONFIRMING_APPS, apps))


@pytest.mark.parametrize("apps", [1, 2, 4])
def test_repeated_refusals_of_a_few_apps_do_not_refuse_the_account(apps: int) -> None:
    assert refusals_until_stopped(access(20), app_ids(apps)) is None


def test_the_account_refusal_names_the_connection_and_the_reason() -> None:
    check = access(20)
    refusals_until_stopped(check, app_ids(20))
    error = check.refusal_of_account()
    assert error
    assert "agora_dashboard" in str(error)
    assert "5 different apps (HTTP 401)" in str(error)
    assert "login is the Customer ID" in str(error)


@pytest.mark.parametrize("many", [2, MANY])
def test_a_served_account_is_refused_only_after_many_refusals_of_several_apps(many: int) -> None:
    check = access(20, many)
    check.note_served("app07")
    assert refusals_until_stopped(check, app_ids(20)) == max(many, REFUSALS_OF_A_SERVED_ACCOUNT)
    few = access(20, many)
    few.note_served("app07")
    assert refusals_until_stopped(few, app_ids(4)) is None


@pytest.mark.parametrize("method", ["note_accepted", "note_served"])
def test_any_other_response_restarts_the_count_of_refusals(method: str) -> None:
    check = access(20)
    for app_id in app_ids(4):
        check.note_refusal(refused(app_id))
    getattr(check, method)(*(["app05"] if method == "note_served" else []))
    for app_id in app_ids(4):
        check.note_refusal(refused(app_id))
    assert check.refusal_of_account() is None


def test_a_time_out_does_not_restart_the_count_of_refusals() -> None:
    check = access(5)
    for app_id in app_ids(4):
        check.note_refusal(refused(app_id))
    check.note_unavailable()
    check.note_refusal(refused("app04"))
    assert check.refusal_of_account()


@pytest.mark.parametrize("error", [refused, unknown])
def test_an_app_is_refused_after_three_consecutive_refusals(error: type) -> None:
    check = access(20)
    for number in range(REFUSALS_OF_AN_APP):
        assert check.refusal_of("app01") is None
        check.note_refusal(error("app01"))
        check.note_served("app02")
        assert number < REFUSALS_OF_AN_APP
    last = check.refusal_of("app01")
    assert last
    assert last.app_id == "app01"
    assert check.refusal_of("app02") is None


def test_an_app_that_is_served_between_refusals_is_not_refused() -> None:
    check = access(20)
    for _ in range(10):
        check.note_refusal(refused("app01"))
        check.note_refusal(refused("app01"))
        check.note_served("app01")
        assert check.refusal_of("app01") is None


def test_unknown_apps_do_not_refuse_the_account() -> None:
    check = access(5)
    for app_id in 10 * app_ids(5):
        check.note_refusal(unknown(app_id))
    assert check.refusal_of_account() is None
    assert not check.one_by_one


def test_requests_are_sent_one_at_a_time_until_one_is_not_refused() -> None:
    check = access(20)
    assert check.one_by_one
    check.note_refusal(refused("app01"))
    assert check.one_by_one
    assert check.is_doubtful
    check.note_accepted()
    assert not check.one_by_one
    assert not check.is_doubtful
    check.note_refusal(refused("app01"))
    assert not check.one_by_one
