"""Which refusals in a row are about one app, and which about the account."""

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
    made = AccessCheck(many)
    made.expect(app_ids(apps))
    return made


def app_ids(apps: int) -> list[str]:
    return [f"app{number:02}" for number in range(apps)]


def refusals_until_stopped(made: AccessCheck, app_ids: list[str], most: int = 1000) -> int | None:
    """Refuse the apps in turn; return how many refusals it takes until the account is, None for never."""
    for number in range(most):
        made.note_refusal(refused(app_ids[number % len(app_ids)]))
        if made.refusal_of_account():
            return number + 1
    return None


@pytest.mark.parametrize(("apps", "refusals"), [(1, 3), (2, 3), (3, 3), (4, 4), (5, 5), (20, 5)])
@pytest.mark.parametrize("many", [2, 4, MANY])
def test_an_account_none_of_whose_apps_is_served_is_refused_after_a_handful(
    apps: int, refusals: int, many: int
) -> None:
    assert refusals_until_stopped(access(apps, many), app_ids(apps)) == refusals
    assert refusals == max(REFUSALS_OF_AN_ACCOUNT, min(CONFIRMING_APPS, apps))


@pytest.mark.parametrize("apps", [1, 2, 4])
def test_so_few_of_many_apps_prove_nothing_however_often_they_are_refused(apps: int) -> None:
    assert refusals_until_stopped(access(20), app_ids(apps)) is None


def test_the_accounts_refusal_names_connection_and_reason() -> None:
    made = access(20)
    refusals_until_stopped(made, app_ids(20))
    error = made.refusal_of_account()
    assert error
    assert "agora_dashboard" in str(error)
    assert "5 different apps (HTTP 401)" in str(error)
    assert "login is the Customer ID" in str(error)


@pytest.mark.parametrize("many", [2, MANY])
def test_once_an_app_was_served_it_takes_many_refusals_of_several_apps(many: int) -> None:
    made = access(20, many)
    made.note_served("app07")
    assert refusals_until_stopped(made, app_ids(20)) == max(many, REFUSALS_OF_A_SERVED_ACCOUNT)
    few = access(20, many)
    few.note_served("app07")
    assert refusals_until_stopped(few, app_ids(4)) is None


@pytest.mark.parametrize("answer", ["note_accepted", "note_served"])
def test_any_other_response_between_them_begins_the_row_again(answer: str) -> None:
    made = access(20)
    for app_id in app_ids(4):
        made.note_refusal(refused(app_id))
    getattr(made, answer)(*(["app05"] if answer == "note_served" else []))
    for app_id in app_ids(4):
        made.note_refusal(refused(app_id))
    assert made.refusal_of_account() is None


def test_a_time_out_between_them_proves_nothing_of_the_credentials() -> None:
    made = access(5)
    for app_id in app_ids(4):
        made.note_refusal(refused(app_id))
    made.note_unavailable()
    made.note_refusal(refused("app04"))
    assert made.refusal_of_account()


@pytest.mark.parametrize("error", [refused, unknown])
def test_an_app_is_refused_after_three_in_a_row_of_its_own(error: type) -> None:
    made = access(20)
    for number in range(REFUSALS_OF_AN_APP):
        assert made.refusal_of("app01") is None
        made.note_refusal(error("app01"))
        made.note_served("app02")
        assert number < REFUSALS_OF_AN_APP
    last = made.refusal_of("app01")
    assert last
    assert last.app_id == "app01"
    assert made.refusal_of("app02") is None


def test_an_app_that_is_served_between_refusals_is_not_refused() -> None:
    made = access(20)
    for _ in range(10):
        made.note_refusal(refused("app01"))
        made.note_refusal(refused("app01"))
        made.note_served("app01")
        assert made.refusal_of("app01") is None


def test_an_unknown_app_says_nothing_of_the_account() -> None:
    made = access(5)
    for app_id in 10 * app_ids(5):
        made.note_refusal(unknown(app_id))
    assert made.refusal_of_account() is None
    assert not made.one_by_one


def test_requests_go_one_at_a_time_until_one_is_not_refused() -> None:
    made = access(20)
    assert made.one_by_one
    made.note_refusal(refused("app01"))
    assert made.one_by_one
    assert made.is_doubtful
    made.note_accepted()
    assert not made.one_by_one
    assert not made.is_doubtful
    made.note_refusal(refused("app01"))
    assert not made.one_by_one
