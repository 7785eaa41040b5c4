"""What came of collecting, as counts and as a text for people."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

from agora.bandwidth.normalise import Outcome, normalise
from agora.bandwidth.summary import Summary
from agora.errors import RateLimited, UnknownApp

DAY = date(2026, 11, 1)
AT = datetime(2026, 11, 2, tzinfo=UTC)


def sound(app_id: str, day: date = DAY, points: int = 288) -> Outcome:
    kbps = [1.0] * points + [float("nan")] * (288 - points)
    return Outcome(app_id, day, kbps, http_status=200, collected_at=AT, body_sha256=b"\x01" * 32)


def failed(app_id: str, day: date = DAY, reason: str = "HTTP 500", *, rejected: bool = False) -> Outcome:
    return Outcome(app_id, day, reason=reason, rejected=rejected)


def summary(
    *outcomes: Outcome, changed: int = 0, at_the_edge: set[tuple[str, date]] | None = None
) -> Summary:
    return Summary.of(normalise(outcomes, "UTC"), changed=changed, at_the_edge=at_the_edge or set())


def test_counts_of_a_mixed_batch() -> None:
    counted = summary(
        sound("a1"),
        sound("b2", points=100),
        failed("c3"),
        failed("c3", DAY + timedelta(days=1), "HTTP 503"),
        failed("d4", reason="not JSON", rejected=True),
        changed=3,
    )
    assert counted.states == {"collected": 1, "partial": 1, "failed": 2, "rejected": 1}
    assert (counted.app_days, counted.points, counted.changed) == (5, 388, 3)
    assert counted.failures == {"c3": (2, "HTTP 500"), "d4": (1, "not JSON")}


def test_a_day_at_the_windows_edge_is_no_failure() -> None:
    counted = summary(failed("a1"), failed("b2"), at_the_edge={("a1", DAY)})
    assert counted.failures == {"b2": (1, "HTTP 500")}
    assert counted.at_the_edge == 1
    assert "1 app-day refused at the window's edge" in counted.text()


def test_batches_add_up() -> None:
    total = Summary(requests=1)
    total.add(summary(sound("a1"), failed("b2", reason="first"), changed=1))
    total.add(summary(sound("a1", DAY + timedelta(days=1)), failed("b2", reason="second"), changed=2))
    total.add(Summary(requests=7, limited=2, at_the_edge=3, seconds={"load": 1.0, "keep": 0.5}))
    total.add(Summary(seconds={"load": 2.0}))
    assert total.states == {"collected": 2, "failed": 2}
    assert (total.changed, total.points, total.requests, total.limited, total.at_the_edge) == (
        3,
        576,
        8,
        2,
        3,
    )
    assert total.failures == {"b2": (2, "first")}
    assert total.seconds == {"load": 3.0, "keep": 0.5}


def test_who_failed_is_named_with_the_reason() -> None:
    said = summary(
        sound("a1"), failed("c3"), failed("b2", reason="HTTP 404, the vendor says: no such app")
    ).failed()
    assert said.startswith("2 apps failed; everything sound of the others is loaded.")
    assert "b2: 1 day, HTTP 404, the vendor says: no such app; c3: 1 day, HTTP 500" in said
    assert said.endswith("What failed is asked again by the next run. See docs/runbook.md#answer-rejected")


def test_every_kind_of_failure_points_to_its_entry_once() -> None:
    batch = normalise([failed("a1"), failed("b2"), failed("c3")], "UTC")
    refused = {
        (app_id, DAY): kind("HTTP 404", about=app_id, app_id=app_id, advice="Do this.")
        for app_id, kind in (("a1", UnknownApp), ("b2", UnknownApp), ("c3", RateLimited))
    }
    total = Summary.of(batch, changed=0, refusals=refused)
    total.add(Summary.of(batch, changed=0, refusals=refused))
    assert total.failed().endswith(" See docs/runbook.md#rate-limited, docs/runbook.md#unknown-app")
    assert Summary.from_json(json.loads(json.dumps(total.to_json()))) == total


def test_what_to_do_stands_behind_the_reason() -> None:
    batch = normalise([failed("a1"), failed("a1", DAY + timedelta(days=1))], "UTC")
    error = UnknownApp("HTTP 500", about="a1", app_id="a1", advice="Do this.")
    said = Summary.of(batch, changed=0, refusals={("a1", DAY): error}).failed()
    assert "a1: 2 days, HTTP 500. Do this. What failed is asked again by the next run." in said


def test_one_app_is_not_many() -> None:
    assert summary(failed("a1"), failed("a1", DAY + timedelta(days=1))).failed().startswith("1 app failed;")
    assert "a1: 2 days, HTTP 500" in summary(failed("a1"), failed("a1", DAY + timedelta(days=1))).failed()


def test_where_nothing_failed_nothing_is_said_of_failures() -> None:
    counted = summary(sound("a1"), changed=1)
    assert counted.failed() == ""
    assert counted.text() == (
        "1 app-day asked for: 1 collected.\n"
        "288 points received, 1 app-day changed in the warehouse.\n"
        "0 requests, 0 answered 429."
    )


def test_an_empty_summary_says_so() -> None:
    assert Summary().text().startswith("0 app-days asked for: none.")


def test_it_travels_as_plain_json() -> None:
    counted = summary(sound("a1"), failed("b2"), changed=1)
    counted.seconds = {"load": 1.5}
    assert Summary.from_json(json.loads(json.dumps(counted.to_json()))) == counted
