"""The `rate` of a fault: the share of requests, reproducibility, and combination with other fields."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest

from sandbox.account import Account
from sandbox.config import Config
from sandbox.credentials import Credentials
from sandbox.faults.active import ActiveFaults
from sandbox.faults.base import Endpoint, ReceivedRequest
from sandbox.faults.script import read_script
from sandbox.traffic.apps import seeded_apps
from tests.sandbox.push_stream.channel_requests import failure, push
from tests.support.sandbox_server import Reply, RunningSandbox

DAY = date(2026, 11, 20)
APPS = seeded_apps(7, 20)
APP_DAYS = [(app.app_id, DAY - timedelta(days=age)) for app, age in product(APPS, range(100))]
STATUS_500 = {"kind": "status", "status": 500}


def sampled_app_days(
    *entries: dict[str, Any], seed: int = 7, app_days: list[tuple[str, date]] = APP_DAYS
) -> set[tuple[str, date]]:
    return sampled(read_script(list(entries), APPS, seed=seed), app_days)


def sampled(script: ActiveFaults, app_days: list[tuple[str, date]]) -> set[tuple[str, date]]:
    return {
        (app_id, day)
        for app_id, day in app_days
        if script.apply(ReceivedRequest(Endpoint.BANDWIDTH, "GET", app_id, day))
    }


@pytest.mark.parametrize("rate", [0.03, 0.3, 0.9])
def test_rate_is_the_share_of_requests(rate: float) -> None:
    assert len(sampled_app_days(STATUS_500 | {"rate": rate})) / len(APP_DAYS) == pytest.approx(rate, abs=0.03)


def test_a_rate_of_1_includes_every_request() -> None:
    assert sampled_app_days(STATUS_500 | {"rate": 1}) == set(APP_DAYS)


def test_the_sample_is_reproducible_and_independent_of_the_order() -> None:
    fault = STATUS_500 | {"rate": 0.3}
    assert sampled_app_days(fault) == sampled_app_days(fault, app_days=APP_DAYS[::-1])


def test_the_default_seed_follows_the_sandbox_and_the_entry() -> None:
    fault, other = STATUS_500 | {"rate": 0.3}, {"kind": "disconnect", "app": 0, "usage_date": "2000-01-01"}
    assert sampled_app_days(fault) != sampled_app_days(fault, seed=8)
    assert sampled_app_days(fault) != sampled_app_days(other, fault)


def test_an_account_passes_its_seed_to_the_script() -> None:
    fault = STATUS_500 | {"rate": 0.3}
    account = Account(Config(credentials=Credentials("a", "b"), apps=1, seed=8, faults=[fault]))
    for script in (account.faults, account.read_faults([fault])):
        assert sampled(script, APP_DAYS) == sampled_app_days(fault, seed=8)


def test_a_given_seed_selects_the_same_sample_everywhere() -> None:
    fault = STATUS_500 | {"rate": 0.3, "seed": 1}
    assert sampled_app_days(fault) == sampled_app_days(fault, fault, seed=8)
    assert sampled_app_days(fault) != sampled_app_days(fault | {"seed": 2})


def test_a_retry_is_a_new_draw() -> None:
    script = read_script([STATUS_500 | {"rate": 0.5}], APPS)
    received = ReceivedRequest(Endpoint.BANDWIDTH, "GET", APPS[0].app_id, DAY)
    draws = [script.apply(received) is not None for _ in range(100)]
    assert 30 <= sum(draws) <= 70


def test_rate_combines_with_app_and_usage_date() -> None:
    in_sample = sampled_app_days(STATUS_500 | {"rate": 0.5, "app": 3})
    assert {app_id for app_id, _ in in_sample} == {APPS[3].app_id}
    assert 30 <= len(in_sample) <= 70
    in_sample = sampled_app_days(STATUS_500 | {"rate": 0.5, "usage_date": DAY.isoformat()})
    assert {day for _, day in in_sample} == {DAY}
    assert 4 <= len(in_sample) <= 16


def test_times_counts_only_requests_in_the_sample() -> None:
    assert len(sampled_app_days(STATUS_500 | {"rate": 0.3, "times": 5})) == 5


def test_times_per_app_day_counts_only_requests_in_the_sample() -> None:
    fault = STATUS_500 | {"rate": 0.5, "times": 1, "per": "app_day"}
    script = read_script([fault], APPS)
    received = ReceivedRequest(Endpoint.BANDWIDTH, "GET", APPS[0].app_id, DAY)
    assert sum(script.apply(received) is not None for _ in range(100)) == 1
    assert sampled_app_days(fault, app_days=APP_DAYS * 30) == set(APP_DAYS)


def fetch_a_month(sandbox: RunningSandbox) -> list[Reply]:
    days = [DAY - timedelta(days=age) for age in range(10)]
    return [sandbox.fetch(app_id, day) for app_id, day in product(sandbox.app_ids, days)]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_random_status_has_the_apis_error_body(sandbox: RunningSandbox, status: int) -> None:
    sandbox.put_faults([{"kind": "status", "status": status, "rate": 0.3}])
    replies = fetch_a_month(sandbox)
    refused = [reply for reply in replies if reply.status != 200]
    assert {reply.status for reply in refused} == {status}
    assert 30 <= len(refused) <= 90
    content_type = sandbox.fetch("unknown", DAY).headers["content-type"]
    for reply in refused:
        assert list(reply.json()) == ["message"]
        assert reply.headers["content-type"] == content_type


def test_a_random_400_resembles_a_true_400(sandbox: RunningSandbox) -> None:
    true_reply = sandbox.fetch(sandbox.app_ids[0], date(2000, 1, 1))
    sandbox.put_faults([{"kind": "status", "status": 400, "rate": 1}])
    scripted = sandbox.fetch(sandbox.app_ids[0], DAY)
    assert scripted.status == true_reply.status == 400
    assert scripted.json().keys() == true_reply.json().keys()
    assert scripted.headers.keys() == true_reply.headers.keys()


def test_the_same_script_gives_the_same_statuses_again(sandbox: RunningSandbox) -> None:
    runs = []
    for _ in range(2):
        sandbox.put_faults([STATUS_500 | {"rate": 0.3}])
        runs.append([reply.status for reply in fetch_a_month(sandbox)])
    assert runs[0] == runs[1]


def test_channel_requests_can_have_a_rate(sandbox: RunningSandbox) -> None:
    sandbox.put_faults([STATUS_500 | {"call": "channel", "rate": 0.5}])
    replies = [push(sandbox, "DELETE") for _ in range(40)]
    in_sample = [reply for reply in replies if reply.status == 500]
    assert 8 <= len(in_sample) <= 32
    assert in_sample[0].json() == failure(500, "A scripted fault returned HTTP 500.")
