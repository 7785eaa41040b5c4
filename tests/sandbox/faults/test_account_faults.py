"""Faults of the account: vendor windows per app, foreign App IDs, and 403 for the whole account."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.sandbox_server import Reply, RunningSandbox

TODAY = date(2026, 11, 22)
DAY = date(2026, 11, 20)
OLDEST = date(2026, 10, 22)
FOREIGN_APP_ID = "f0" * 16
MISMATCH = "The App ID and the Customer Certificate do not match."


def statuses(sandbox: RunningSandbox, app: int, *ages: int) -> list[int]:
    return [sandbox.fetch(sandbox.app_ids[app], TODAY - timedelta(days=age)).status for age in ages]


# Windows


def test_a_window_of_one_app_is_shorter(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "window", "app": 3, "window": "29 days"}])
    assert statuses(sandbox, 3, 29, 30, 31) == [200, 400, 400]
    assert statuses(sandbox, 2, 29, 30, 31, 32) == [200, 200, 200, 400]


def test_a_window_of_one_app_is_longer(sandbox: RunningSandbox) -> None:
    truth = sandbox.points(sandbox.app_ids[3], TODAY - timedelta(days=45))
    sandbox.put_faults([{"kind": "window", "app": 3, "window": "45 days"}])
    assert statuses(sandbox, 3, 45, 46) == [200, 400]
    assert statuses(sandbox, 2, 31, 32) == [200, 400]
    served = sandbox.fetch(sandbox.app_ids[3], TODAY - timedelta(days=45)).json()["value"]
    assert list(served.values()) == [kbps for kbps in truth if kbps is not None]


@pytest.mark.parametrize(("window", "oldest_age"), [("7 days", 7), ("40 days", 40), ("1 month", 31)])
def test_a_window_without_an_app_applies_to_every_app(
    sandbox: RunningSandbox, window: str, oldest_age: int
) -> None:
    sandbox.put_faults([{"kind": "window", "window": window}])
    for app in (0, 19):
        assert statuses(sandbox, app, oldest_age, oldest_age + 1) == [200, 400]


def test_a_day_outside_a_scripted_window_gets_the_normal_message(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "window", "window": "29 days"}])
    reply = sandbox.fetch(sandbox.app_ids[0], OLDEST)
    message = f"Only the last 29 days can be requested. {OLDEST} is before 2026-10-24."
    assert (reply.status, reply.json()) == (400, {"message": message})


def test_the_first_of_two_windows_applies(sandbox: RunningSandbox) -> None:
    sandbox.put_faults(
        [{"kind": "window", "app": 3, "window": "45 days"}, {"kind": "window", "window": "7 days"}]
    )
    assert statuses(sandbox, 3, 45) == [200]
    assert statuses(sandbox, 2, 8) == [400]


def test_the_normal_window_returns_after_a_number_of_requests(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "window", "window": "7 days", "times": 2}])
    assert statuses(sandbox, 0, 8, 8, 8) == [400, 400, 200]


def test_a_longer_window_serves_no_future_day(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "window", "window": "9999 days"}])
    assert statuses(sandbox, 0, -1) == [400]


def test_a_window_combines_with_changed_points(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "window", "window": "45 days"}, {"kind": "zeros"}])
    assert set(sandbox.fetch(sandbox.app_ids[0], TODAY - timedelta(days=45)).json()["value"].values()) == {0}


# Foreign App IDs


def open_state(sandbox: RunningSandbox, app_id: str, method: str = "GET", body: bytes | None = None) -> Reply:
    path = f"/dev/v2/apps/{app_id}/pushstream/openstate"
    return sandbox.request(method, path, {"Authorization": sandbox.authorization}, body)


def test_an_unknown_app_id_gets_404_unless_it_is_foreign(sandbox: RunningSandbox) -> None:
    assert sandbox.fetch(FOREIGN_APP_ID, DAY).status == 404
    sandbox.put_faults([{"kind": "foreign", "app_id": FOREIGN_APP_ID}])
    reply = sandbox.fetch(FOREIGN_APP_ID, DAY)
    assert (reply.status, reply.json()) == (401, {"message": MISMATCH})
    assert reply.headers["www-authenticate"].startswith("Basic ")
    assert sandbox.fetch("e0" * 16, DAY).status == 404
    assert sandbox.fetch(sandbox.app_ids[0], DAY).status == 200


def test_a_foreign_app_id_of_the_account(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "foreign", "app": 3}])
    assert [statuses(sandbox, app, 2) for app in (2, 3, 4)] == [[200], [401], [200]]
    sandbox.put_faults([{"kind": "foreign", "app_id": sandbox.app_ids[4]}])
    assert [statuses(sandbox, app, 2) for app in (2, 3, 4)] == [[200], [200], [401]]


def test_a_foreign_app_id_with_403(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "foreign", "app_id": FOREIGN_APP_ID, "status": 403}])
    reply = sandbox.fetch(FOREIGN_APP_ID, DAY)
    assert (reply.status, reply.json()) == (403, {"message": MISMATCH})
    assert "www-authenticate" not in reply.headers


def test_foreign_comes_after_credentials_and_rate_limit_and_before_the_date(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "foreign", "app_id": FOREIGN_APP_ID, "status": 403}])
    assert sandbox.fetch(FOREIGN_APP_ID, "x").status == 403
    assert sandbox.request("GET", f"/dev/v2/apps/{FOREIGN_APP_ID}/usages/bandwidth").status == 401
    sandbox.put_rate_limit(0.001)
    assert [sandbox.fetch(FOREIGN_APP_ID, DAY).status for _ in range(2)] == [403, 429]


def test_foreign_applies_to_its_endpoint(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "foreign", "call": "open_state", "app": 0}])
    one = sandbox.app_ids[0]
    assert sandbox.fetch(one, DAY).status == 200
    assert open_state(sandbox, one).status == 401
    assert open_state(sandbox, one, "POST", b"{").status == 401
    assert not sandbox.open_states()[one]
    sandbox.put_faults([{"kind": "foreign", "app": 0}])
    assert open_state(sandbox, one).status == 200


def test_foreign_with_times_and_rate(sandbox: RunningSandbox) -> None:
    foreign = {"kind": "foreign", "app_id": FOREIGN_APP_ID}
    sandbox.put_faults([foreign | {"times": 1}])
    assert [sandbox.fetch(FOREIGN_APP_ID, DAY).status for _ in range(3)] == [401, 404, 404]
    sandbox.put_faults([foreign | {"rate": 0.5}])
    assert {sandbox.fetch(FOREIGN_APP_ID, DAY).status for _ in range(40)} == {401, 404}


def test_the_counts_include_foreign_app_ids(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([{"kind": "foreign", "app_id": FOREIGN_APP_ID}])
    for app_id in (FOREIGN_APP_ID, "e0" * 16):
        sandbox.fetch(app_id, DAY)
    assert sandbox.stats()["by_app"] == {FOREIGN_APP_ID: {"401": 1}}


@pytest.mark.parametrize(
    "kind", [{"kind": "status", "status": 401}, {"kind": "zeros"}, {"kind": "disconnect"}]
)
def test_other_kinds_refuse_unknown_app_ids(sandbox: RunningSandbox, kind: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not an App ID of this account"):
        sandbox.put_faults([kind | {"app_id": FOREIGN_APP_ID}])


# The whole account


def test_403_for_the_whole_account(sandbox: RunningSandbox) -> None:
    sandbox.put_faults(
        [{"kind": "status", "status": 403, "call": call} for call in ("bandwidth", "open_state")]
    )
    replies = [sandbox.fetch(app_id, DAY) for app_id in sandbox.app_ids]
    replies += [open_state(sandbox, app_id) for app_id in sandbox.app_ids]
    assert {reply.status for reply in replies} == {403}
    assert {tuple(reply.json()) for reply in replies} == {("message",)}
