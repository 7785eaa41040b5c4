"""The weekly check finds points that were changed outside the loader, and names app and day."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import Engine

from agora.bandwidth.audit import Comparison, compare
from agora.bandwidth.plan import Days
from agora.bandwidth.replay import replay
from agora.dag_support.run_notes import NOTE_KEY
from agora.operators import data_checks
from agora.warehouse.engine import warehouse_engine
from sandbox.traffic.slots import SLOT_LABELS
from tests.bandwidth.collect.night import Night, night_of, window_days
from tests.support.sandbox_server import running_sandbox
from tests.warehouse.database import NO_POINTS, AppDay, Warehouse

APP_DAY = "app_key = (select app_key from core.app where app_id = %(app_id)s) and usage_date = %(day)s"
RESPONSE = "app_id = %(app_id)s and usage_date = %(day)s"
EMPTIED = (
    f"update core.app_day set state = '{{state}}', {NO_POINTS},"
    f" collected_at = null, reason = 'x', {{more}} where {APP_DAY}"
)
# A response younger than a day may not be loaded yet.
A_DAY_AGO = f"update raw.bandwidth_response set fetched_at = now() - interval '25 hours' where {RESPONSE}"
TAMPERINGS = {
    "a point is set": (
        f"update core.app_day set kbps_int4[7] = 999999 where {APP_DAY}",
        r"1 point, the first in slot 7: stored 999999 kbps, received \d+ kbps",
    ),
    "a point differs by the smallest step": (
        "update core.app_day set kbps_int4 = null,"
        f" kbps_float8 = kbps[1:287] || kbps[288] + 1e-9 * greatest(kbps[288], 1) where {APP_DAY}",
        "1 point, the first in slot 288",
    ),
    "a day is flattened": (
        f"update core.app_day set kbps_int4 = array_fill(1, array[288]) where {APP_DAY}",
        r"\d+ points, the first in slot 1: stored 1 kbps",
    ),
    "a point is removed": (
        "update core.app_day set kbps_int4[3] = null, points = 287, state = 'partial', reason = 'x'"
        f" where {APP_DAY}",
        "1 point, the first in slot 3: stored nothing",
    ),
    "all points of a day are removed": (
        "update core.app_day set kbps_int4 = array_fill(null::integer, array[288]), points = 0,"
        " sum_kbps = null, state = 'partial',"
        f" reason = 'x' where {APP_DAY}",
        r"28\d points, the first in slot 1: stored nothing, received \d+ kbps",
    ),
    "all points of a day are removed and its times predate the response": (
        "update core.app_day set kbps_int4 = array_fill(null::integer, array[288]), points = 0,"
        " sum_kbps = null, state = 'partial',"
        f" reason = 'x', verified_at = starts_at, collected_at = starts_at where {APP_DAY}",
        "slot 1: stored nothing",
    ),
    "a day is emptied as if its request had failed": (
        f"{EMPTIED.format(state='failed', more='http_status = 500, body_sha256 = null')}; {A_DAY_AGO}",
        r"28\d points, the first in slot 1: stored nothing, received \d+ kbps",
    ),
    "a day is emptied as if its response had been rejected": (
        f"{EMPTIED.format(state='rejected', more='attempts = 9')}; {A_DAY_AGO}",
        "slot 1: stored nothing",
    ),
    "triggers are disabled": (
        f"set session_replication_role = replica; update core.app_day set kbps_int4[7] = 5 where {APP_DAY}",
        "slot 7",
    ),
    "the times of the day predate its response": (
        "update core.app_day set kbps_int4[7] = 5, verified_at = starts_at, collected_at = starts_at"
        f" where {APP_DAY}",
        "slot 7",
    ),
    "the digest is changed too": (
        f"update core.app_day set kbps_int4[7] = 5, body_sha256 = sha256('x') where {APP_DAY}",
        "the response that delivered its points is not stored",
    ),
    "the response is changed too": (
        f"update core.app_day set kbps_int4[7] = 5 where {APP_DAY};"
        f" update raw.bandwidth_response set body = '{{}}' where {RESPONSE}",
        "the stored response does not match its stored digest",
    ),
}


@pytest.fixture(scope="module")
def collected(module_warehouse: Warehouse) -> Iterator[tuple[Night, list[date]]]:
    with running_sandbox(apps=3, quiet=True) as sandbox:
        night = night_of(sandbox, module_warehouse)
        night.run()
        yield night, window_days(sandbox)


def run_comparison(warehouse: Warehouse, **options: Any) -> Comparison:
    engine = warehouse_engine(warehouse.url("loader"))
    try:
        return compare(engine, **options)
    finally:
        engine.dispose()


@pytest.fixture
def tampered(collected: tuple[Night, list[date]], request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Change one app-day as a superuser, and restore it afterwards."""
    night, days = collected
    where: Any = {"app_id": night.apps[1].app_id, "day": days[9]}
    warehouse = night.warehouse
    before = [
        warehouse.rows(f"select * from {table} where {of}", where)
        for table, of in (("core.app_day", APP_DAY), ("raw.bandwidth_response", RESPONSE))
    ]
    warehouse.run(request.param, where, "postgres")
    yield where
    (row,), responses = before
    changed = {name: row[name] for name in row if name != "kbps"}
    warehouse.run(
        f"update core.app_day set {', '.join(f'{name} = %({name})s' for name in changed)} where {APP_DAY}",
        {**changed, **where},  # type: ignore[arg-type]
    )
    warehouse.run(
        "update raw.bandwidth_response set body = %(body)s, fetched_at = %(fetched_at)s"
        " where response_key = %(response_key)s",
        responses[0],  # type: ignore[arg-type]
    )


def test_unchanged_points_match_their_responses(collected: tuple[Night, list[date]]) -> None:
    night, days = collected
    found = run_comparison(night.warehouse)
    assert (found.compared, found.unproven, found.differing) == (3 * len(days), 0, [])
    counted = f"{3 * len(days)} app-days"
    assert str(found) == f"Compared the points of {counted} with their stored responses. All agree."


@pytest.mark.parametrize(
    ("tampered", "difference"), TAMPERINGS.values(), ids=TAMPERINGS.keys(), indirect=["tampered"]
)
def test_a_changed_app_day_is_reported_with_app_and_day(
    collected: tuple[Night, list[date]], tampered: dict[str, Any], difference: str
) -> None:
    (found,) = run_comparison(collected[0].warehouse).differing
    assert found.startswith(f"{tampered['app_id']} on {tampered['day']} (")
    assert re.search(difference, found)


@pytest.mark.parametrize("tampered", [TAMPERINGS["a point is set"][0]], indirect=True)
def test_the_weekly_task_fails_until_a_replay_restores_the_points(
    collected: tuple[Night, list[date]], tampered: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def this_warehouse() -> Iterator[Engine]:
        engine = warehouse_engine(collected[0].warehouse.url("loader"))
        yield engine
        engine.dispose()

    class TaskInstance(dict[str, Any]):
        xcom_push = dict.__setitem__

    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    monkeypatch.setattr(data_checks, "warehouse", this_warehouse)
    task, ti = data_checks.StoredPointsCheckOperator(task_id="check_points"), TaskInstance()
    with pytest.raises(AirflowFailException, match=f"{tampered['app_id']} on {tampered['day']}") as caught:
        task.execute({"ti": ti})  # type: ignore[typeddict-item]
    assert ti[NOTE_KEY] == str(caught.value)
    with this_warehouse() as engine:
        replay(engine, tampered["day"], tampered["day"])
    task.execute({"ti": ti})  # type: ignore[typeddict-item]


def test_restated_partial_and_rejected_days_match_their_responses(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        fault = {"app": 0, "usage_date": str(days[-2])}
        sandbox.put_faults([{"kind": "withhold", "slots": ["07:35", "07:40"], **fault}])
        night.run()
        for faults in (
            [{"kind": "withhold", "slots": ["07:35"], **fault}],
            [{"kind": "body", "body": "<html>Bad Gateway</html>", **fault}],
            [],
        ):
            sandbox.put_faults(faults)
            night.run()
            assert run_comparison(warehouse).differing == []
        # Points that the vendor withdraws stay stored.
        sandbox.put_faults([{"kind": "withhold", "slots": ["09:00"], **fault}])
        night.collect([(sandbox.app_ids[0], days[-2])])
        found = run_comparison(warehouse)
    assert (found.compared, found.differing) == (2 * len(days), [])


def test_days_that_never_had_points_match_their_responses(warehouse: Warehouse) -> None:
    with running_sandbox(apps=2, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        app_id, stays = sandbox.app_ids
        kinds: list[dict[str, Any]] = [
            {"kind": "body", "body": "<html>Bad Gateway</html>"},
            {"kind": "body", "body": '{"date": "2025-01-01", "unit": "kbps", "value": {}}'},
            {"kind": "status", "status": 503, "body": "down"},
            {"kind": "truncate", "bytes": 100},
            {"kind": "withhold", "slots": list(SLOT_LABELS)},
        ]
        faulty = zip(days[-5:], kinds, strict=True)
        sandbox.put_faults([{"app": 0, "usage_date": f"{day}", **kind} for day, kind in faulty])
        for _ in range(2):
            night.run()
        assert {state for key, state in night.states().items() if key[0] == app_id} == {
            "collected",
            "partial",
            "rejected",
            "failed",
        }
        night.apps = [app for app in night.apps if app.app_id == stays]
        night.shift_clocks(timedelta(days=2))
        night.configure()
        warehouse.run("update core.vendor_account set timezone = 'Etc/GMT-1'")
        found = run_comparison(warehouse)
        assert (found.unproven, found.differing) == (0, [])


def test_an_unloaded_response_is_reported_once_no_run_can_still_load_it(
    warehouse: Warehouse,
) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, day = night_of(sandbox, warehouse), window_days(sandbox)[-1]
        (app_id,) = sandbox.app_ids
        sandbox.put_faults([{"kind": "status", "status": 503, "body": "down"}])
        night.run(Days(day, day))
        sandbox.put_faults([])
        body = json.dumps({"date": f"{day}", "unit": "kbps", "value": {"00:00": 5}}).encode()
        warehouse.add_raw(app_id, day, body)
        assert night.states() == {(app_id, day): "failed"}
        assert run_comparison(warehouse).differing == []
        night.shift_clocks(timedelta(days=2))
        named = f"{app_id} on {day} (1 point, the first in slot 1: stored nothing, received 5 kbps)"
        assert run_comparison(warehouse).differing == [named]
        engine = warehouse_engine(warehouse.url("loader"))
        try:
            replay(engine, day, day)
        finally:
            engine.dispose()
        assert run_comparison(warehouse).differing == []


def test_a_response_that_is_not_loaded_yet_is_not_a_difference(collected: tuple[Night, list[date]]) -> None:
    night, days = collected
    app_id = night.apps[0].app_id
    (response,) = night.raw(app_id, days[9])
    body = re.sub(rb"[0-9.]+(?=[,}])", b"123456", bytes(response["body"]), count=1)
    night.warehouse.add_raw(app_id, days[9], body)
    try:
        assert run_comparison(night.warehouse).differing == []
    finally:
        where: Any = {"app_id": app_id, "day": days[9], "body": body}
        newer = f"{RESPONSE} and body = %(body)s"
        # Backdate both responses, and the load of the first one, by about a month.
        for statement in (
            f"update core.app_day set verified_at = starts_at, collected_at = starts_at where {APP_DAY}",
            f"update raw.bandwidth_response set fetched_at = %(day)s where {RESPONSE} and body <> %(body)s",
            f"update raw.bandwidth_response set fetched_at = date %(day)s + 1 where {newer}",
        ):
            night.warehouse.run(statement, where)
        late = run_comparison(night.warehouse).differing
        night.warehouse.run(f"delete from raw.bandwidth_response where {newer}", where)
    # After a day, a contradicting response is a difference, because the loader would have loaded it.
    assert [text.partition(" (")[0] for text in late] == [f"{app_id} on {days[9]}"]


def test_older_days_are_sampled_and_newer_days_are_all_compared(warehouse: Warehouse) -> None:
    with running_sandbox(apps=1, quiet=True) as sandbox:
        night, days = night_of(sandbox, warehouse), window_days(sandbox)
        night.run()
        app_id = sandbox.app_ids[0]
        since = "update core.app set wanted = wanted + datemultirange(daterange(%s, null))"
        warehouse.run(since, (days[0] - timedelta(200),))
        warehouse.add_days(AppDay(app_id, days[0] - timedelta(100 + n), [1.0] * 288) for n in range(40))
        earlier = "update core.app_day set collected_at = now() - interval '70 days' where usage_date < %s"
        warehouse.run(earlier, (days[0],))
        found = [run_comparison(warehouse, sample=sample) for sample in (10, 40, 1000)]
    # The responses for these days are not stored, as if retention had dropped them.
    assert [(one.compared, one.unproven) for one in found] == [(len(days), n) for n in (10, 40, 40)]
    assert ". 40 app-days without a stored response could not be compared. All agree." in str(found[-1])
