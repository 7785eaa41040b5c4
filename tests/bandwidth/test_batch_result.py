"""The result of a batch, as counts and as readable text."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from agora.bandwidth.batch_result import MOST_NAMED, BatchResult, FailedApp
from agora.bandwidth.normalise import Outcome, normalise
from agora.errors import (
    AgoraError,
    AppRefused,
    CredentialsRefused,
    RateLimited,
    ResponseRejected,
    UnknownApp,
    VendorUnavailable,
)

pytestmark = pytest.mark.unit

DAY = date(2026, 11, 1)
NEXT = DAY + timedelta(days=1)
AT = datetime(2026, 11, 2, tzinfo=UTC)
Failures = dict[tuple[str, date], tuple[str, str, str]]


def sound(app_id: str, day: date = DAY, points: int = 288) -> Outcome:
    kbps = [1.0] * points + [float("nan")] * (288 - points)
    return Outcome(app_id, day, kbps, http_status=200, collected_at=AT, body_sha256=b"\x01" * 32)


def failed(app_id: str, day: date = DAY, reason: str = "HTTP 500", *, rejected: bool = False) -> Outcome:
    return Outcome(app_id, day, reason=reason, rejected=rejected)


def failures(*outcomes: Outcome, kind: type[AgoraError] = VendorUnavailable, advice: str = "") -> Failures:
    return {(one.app_id, one.usage_date): (kind.__name__, one.reason, advice) for one in outcomes}


def summary(*outcomes: Outcome, changed: int = 0) -> BatchResult:
    """Summarise a batch in which every failed app-day also fails the run."""
    of_run = failures(*(one for one in outcomes if one.kbps is None and not one.rejected))
    return BatchResult.of(normalise(outcomes, "UTC"), changed=changed, failures=of_run)


def test_counts_of_a_mixed_batch() -> None:
    counted = summary(
        sound("a1"),
        sound("b2", points=100),
        sound("b2", NEXT, points=0),
        failed("c3"),
        failed("c3", NEXT, "HTTP 503"),
        failed("d4", reason="not JSON", rejected=True),
        changed=2,
    )
    assert (counted.requested, counted.received, counted.points_received, counted.changed) == (6, 3, 388, 2)
    assert counted.failures == {
        "c3": (2, "HTTP 500", [VendorUnavailable.__name__]),
        "d4": (1, "not JSON", [ResponseRejected.__name__]),
    }
    assert counted.kinds == [ResponseRejected.__name__, VendorUnavailable.__name__]


def test_received_changed_and_stored_are_separate_figures() -> None:
    """A response that changes nothing still counts as received."""
    counted = summary(sound("a1"), sound("b2"), changed=0)
    counted.app_days, counted.states = 3, {"collected": 2, "pending": 1}
    assert (counted.received, counted.points_received, counted.changed) == (2, 576, 0)
    first, second, *_ = counted.text().splitlines()
    assert first == "Requested 2 of 3 app-days; received 2 with 576 points; changed 0."
    assert second == "State now: 2 collected, 1 pending."


def test_a_refused_day_at_the_window_edge_is_not_a_failure() -> None:
    batch = normalise([failed("a1", reason="HTTP 400"), failed("b2")], "UTC")
    counted = BatchResult.of(batch, changed=0, failures=failures(failed("b2")), at_the_edge={("a1", DAY)})
    assert counted.failures == {"b2": (1, "HTTP 500", [VendorUnavailable.__name__])}
    assert (counted.at_the_edge, counted.requested) == (1, 2)
    assert "1 app-day refused as too old (HTTP 400)" in counted.text()


def test_unrequested_app_days_count_as_failures_but_not_as_requests() -> None:
    batch = normalise([sound("a1")], "UTC")
    counted = BatchResult.of(batch, changed=1, failures=failures(failed("b2"), failed("b2", NEXT)))
    assert counted.requested == 1
    assert counted.failures == {"b2": (2, "HTTP 500", [VendorUnavailable.__name__])}


def test_app_days_not_worth_requesting_are_counted() -> None:
    assert "3 more not requested" in BatchResult(at_the_edge=2, not_worthwhile=3).text()
    assert "not requested" not in BatchResult().text()


def test_batches_add_up() -> None:
    total = BatchResult(requests=1, states={"collected": 1})
    total.add(summary(sound("a1"), failed("b2", reason="first"), changed=1))
    total.add(summary(sound("a1", NEXT), failed("b2", reason="second"), changed=2))
    total.add(
        BatchResult(
            app_days=9,
            states={"collected": 1, "failed": 2},
            requests=7,
            limited=2,
            at_the_edge=3,
            not_worthwhile=4,
            stopped="Refused.",
            seconds={"load": 1.0, "keep": 0.5},
        )
    )
    total.add(BatchResult(stopped="Refused once more.", seconds={"load": 2.0}))
    assert total == BatchResult(
        app_days=9,
        requested=4,
        received=2,
        points_received=576,
        changed=3,
        states={"collected": 2, "failed": 2},
        requests=8,
        limited=2,
        failures={"b2": FailedApp(2, "first", [VendorUnavailable.__name__])},
        at_the_edge=3,
        not_worthwhile=4,
        stopped="Refused.",
        seconds={"load": 3.0, "keep": 0.5},
    )
    assert total.retries == 4


def test_a_stop_hides_only_failures_that_repeat_its_reason() -> None:
    """An app that also failed for another reason is still named, regardless of the wording."""
    stopped = BatchResult(
        failures={
            "a1": FailedApp(2, "refused", ["AppRefused"]),
            "b2": FailedApp(2, "refused", ["AppRefused", "VendorUnavailable"]),
            "c3": FailedApp(1, "HTTP 401 is only mentioned", ["VendorUnavailable"]),
        }
    )
    stopped.stop("All apps were refused.", CredentialsRefused, repeated=AppRefused)
    assert (stopped.stopped, stopped.stopped_by) == ("All apps were refused.", "CredentialsRefused")
    assert (list(stopped.failures), stopped.kinds) == (["b2", "c3"], ["AppRefused", "VendorUnavailable"])


def test_retries_are_never_negative() -> None:
    assert BatchResult(requests=2, requested=5).retries == 0


def test_failed_apps_are_named_with_the_reason() -> None:
    text = summary(
        sound("a1"), failed("c3"), failed("b2", reason="HTTP 404 from the vendor: no such app")
    ).failed()
    assert text.startswith("2 apps failed. All sound responses are loaded;")
    assert "b2: 1 day, HTTP 404 from the vendor: no such app" in text
    assert "c3: 1 day, HTTP 500" in text
    assert text.index("\n- b2:") < text.index("\n- c3:")
    assert text.splitlines()[0].endswith("See docs/runbook.md#vendor-unavailable")


def test_counts_come_before_the_reason_for_each_app() -> None:
    lines = summary(sound("a1"), failed("b2"), failed("c3")).text().splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["2", "Requested", "State", "0", "-", "-"]


def test_removed_apps_are_named_but_do_not_fail_the_run() -> None:
    counted = summary(sound("a1"), failed("b2"), failed("c3"))
    counted.separate_removed({"c3": "Third", "d4": "Fourth"})
    assert counted.failed().startswith("1 app failed.")
    counted.separate_removed({"b2": "Second"})
    assert (counted.failed(), counted.kinds) == ("", [])
    assert "2 removed apps failed too: Second: 1 day, HTTP 500; Third: 1 day, " in counted.text()
    total = BatchResult()
    for part in (counted, BatchResult.from_json(json.loads(json.dumps(counted.to_json())))):
        total.add(part)
    assert total.failures_of_removed.keys() == {"Second", "Third"}
    assert total.failures_of_removed["Second"][0] == 2


def test_each_kind_of_failure_links_its_runbook_entry_once() -> None:
    batch = normalise([failed("a1"), failed("b2"), failed("c3")], "UTC")
    refused = {
        **failures(failed("a1"), failed("b2"), kind=UnknownApp),
        **failures(failed("c3"), kind=RateLimited),
    }
    total = BatchResult.of(batch, changed=0, failures=refused)
    total.add(BatchResult.of(batch, changed=0, failures=refused))
    headline = total.failed().splitlines()[0]
    assert headline.endswith("See docs/runbook.md#rate-limited, docs/runbook.md#unknown-app")
    assert BatchResult.from_json(json.loads(json.dumps(total.to_json()))) == total


def test_advice_follows_the_reason() -> None:
    days = [failed("a1"), failed("a1", NEXT)]
    refused = failures(*days, kind=UnknownApp, advice="Do this.")
    text = BatchResult.of(normalise(days, "UTC"), changed=0, failures=refused).failed()
    assert "a1: 2 days, HTTP 500. Do this." in text
    assert "Do this.." not in text


def test_a_single_failed_app_is_written_in_the_singular() -> None:
    text = summary(failed("a1"), failed("a1", NEXT)).failed()
    assert text.startswith("1 app failed.")
    assert "a1: 2 days, HTTP 500" in text


def test_only_the_first_of_many_failed_apps_are_named() -> None:
    text = summary(*(failed(f"app{number:03}") for number in range(MOST_NAMED + 7))).failed()
    assert f"app{MOST_NAMED - 1:03}: " in text
    assert f"app{MOST_NAMED:03}" not in text
    assert "and 7 more, see mart.coverage" in text


def test_the_reason_for_stopping_the_account_comes_first() -> None:
    counted = summary(failed("a1"))
    counted.stopped = "Connection agora_dashboard: the vendor refused the credentials."
    assert counted.failed().startswith(counted.stopped)
    assert "1 app failed" in counted.failed()
    assert counted.text().startswith(counted.stopped)
    assert BatchResult(stopped="Refused.").failed() == "Refused."


def test_without_failures_the_text_mentions_none() -> None:
    counted = summary(sound("a1"), changed=1)
    assert counted.failed() == ""
    assert "failed" not in counted.text()
    assert counted.text().startswith("Requested 1 of 0 app-days; received 1 with 288 points; changed 1.")


def test_an_empty_result_reports_zeros() -> None:
    assert BatchResult().text().startswith("Requested 0 of 0 app-days; received 0 with 0 points; changed 0.")
    assert "State now: none." in BatchResult().text()


def test_a_replay_names_responses_that_are_still_rejected() -> None:
    counted = summary(sound("a1"), failed("b2", reason="not JSON", rejected=True), changed=1)
    text = counted.replayed()
    assert "2 app-days again: 1 with 288 points; changed 1." in text
    assert "Still rejected: b2: 1 day, not JSON." in text
    assert "Still rejected" not in summary(sound("a1")).replayed()


def test_a_result_round_trips_through_json() -> None:
    counted = summary(sound("a1"), failed("b2"), changed=1)
    counted.seconds, counted.states, counted.stopped = {"load": 1.5}, {"collected": 1}, "Refused."
    assert BatchResult.from_json(json.loads(json.dumps(counted.to_json()))) == counted
