"""From outcomes to a DataFrame: one row per app-day, one column per slot, and NaN for absent points."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agora.bandwidth.normalise import LEDGER, Outcome, normalise
from agora.domain import LABELS, SLOTS_PER_DAY, starts_at

pytestmark = pytest.mark.unit

DAY = date(2026, 11, 1)
AT = datetime(2026, 11, 2, 0, 30, tzinfo=UTC)
NAN = math.nan


def sound(app_id: str = "a1", day: date = DAY, kbps: list[float] | None = None) -> Outcome:
    points = [float(slot) for slot in range(288)] if kbps is None else kbps
    return Outcome(app_id, day, points, http_status=200, collected_at=AT, body_sha256=b"\x01" * 32)


def row(batch: pd.DataFrame, app_id: str, day: date = DAY) -> pd.Series:
    return batch.loc[[(app_id, day)]].iloc[0]


def points(day: pd.Series) -> pd.Series:
    return day[[*range(288)]]


def test_a_day_has_288_labels_in_order() -> None:
    assert len(LABELS) == SLOTS_PER_DAY == 288
    assert (LABELS[0], LABELS[1], LABELS[12], LABELS[-1]) == ("00:00", "00:05", "01:00", "23:55")
    assert list(LABELS) == sorted(set(LABELS))


def test_columns_and_types() -> None:
    batch = normalise([sound()], "UTC")
    assert batch.columns.tolist() == [*LEDGER, *range(288)]
    assert batch.index.names == ["app_id", "usage_date"]
    assert (batch.loc[:, [*range(288)]].dtypes == "float64").all()
    assert batch["points"].dtype == "int64"
    assert batch["attempts"].dtype == "int64"


def test_a_complete_day() -> None:
    day = row(normalise([sound()], "UTC"), "a1")
    assert (day["state"], day["points"], day["attempts"], day["http_status"]) == ("collected", 288, 1, 200)
    assert (day["reason"], day["collected_at"], day["body_sha256"]) == ("", AT, b"\x01" * 32)
    assert points(day).tolist() == list(range(288))


def test_absent_points_are_nan_and_the_day_is_partial() -> None:
    day = row(normalise([sound(kbps=[0.0] * 100 + [NAN] * 188)], "UTC"), "a1")
    assert (day["state"], day["points"]) == ("partial", 100)
    assert day["reason"] == "the vendor delivered 100 of 288 points"
    assert points(day).isna().tolist() == [False] * 100 + [True] * 188


def test_a_day_without_points_is_partial_and_not_failed() -> None:
    day = row(normalise([sound(kbps=[NAN] * 288)], "UTC"), "a1")
    assert (day["state"], day["points"]) == ("partial", 0)
    assert day["reason"] == "the vendor delivered 0 of 288 points"
    assert day["collected_at"] == AT


def test_a_day_of_zeros_is_complete() -> None:
    day = row(normalise([sound(kbps=[0.0] * 288)], "UTC"), "a1")
    assert (day["state"], day["points"]) == ("collected", 288)


def test_a_rejected_body_is_recorded_with_its_reason() -> None:
    outcome = Outcome("a1", DAY, http_status=200, reason="unit None", rejected=True, body_sha256=b"\x02" * 32)
    day = row(normalise([outcome], "UTC"), "a1")
    assert (day["state"], day["points"], day["http_status"], day["reason"]) == (
        "rejected",
        0,
        200,
        "unit None",
    )
    assert day["collected_at"] is None
    assert points(day).isna().all()


def test_a_missing_response_is_failed_without_a_status() -> None:
    day = row(normalise([Outcome("a1", DAY, reason="no answer")], "UTC"), "a1")
    assert (day["state"], day["http_status"], day["reason"]) == ("failed", None, "no answer")
    assert day["body_sha256"] is None


def test_an_unrequested_day_counts_no_attempt() -> None:
    day = row(normalise([Outcome("a1", DAY, attempts=0, http_status=404)], "UTC"), "a1")
    assert day["attempts"] == 0


def test_a_mixed_batch_has_one_row_per_app_day_with_its_own_values() -> None:
    batch = normalise(
        [
            Outcome("c3", DAY, http_status=500, reason="HTTP 500"),
            sound("b2", DAY + timedelta(days=1)),
            sound("a1", kbps=[5.0] * 287 + [NAN]),
            Outcome("d4", DAY, http_status=200, reason="not JSON", rejected=True),
            sound("b2", kbps=[7.0] * 288),
        ],
        "UTC",
    )
    assert batch.index.tolist() == [
        ("a1", DAY),
        ("b2", DAY),
        ("b2", DAY + timedelta(days=1)),
        ("c3", DAY),
        ("d4", DAY),
    ]
    assert batch["state"].tolist() == ["partial", "collected", "collected", "failed", "rejected"]
    assert batch["points"].tolist() == [287, 288, 288, 0, 0]
    assert batch["http_status"].tolist() == [200, 200, 200, 500, 200]
    assert row(batch, "b2")[0] == 7.0
    assert row(batch, "b2", DAY + timedelta(days=1))[287] == 287.0


def test_the_same_app_day_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"twice in one batch.*a1"):
        normalise([sound(), sound()], "UTC")


@pytest.mark.parametrize(
    ("zone", "instant"),
    [
        ("UTC", "2026-11-01T00:00:00+00:00"),
        ("Asia/Shanghai", "2026-10-31T16:00:00+00:00"),
        ("Etc/GMT-1", "2026-10-31T23:00:00+00:00"),
        ("Asia/Kolkata", "2026-10-31T18:30:00+00:00"),
        ("Etc/GMT+12", "2026-11-01T12:00:00+00:00"),
    ],
)
def test_a_day_starts_at_midnight_in_the_vendors_zone(zone: str, instant: str) -> None:
    start = row(normalise([sound()], zone), "a1")["starts_at"]
    assert start == datetime.fromisoformat(instant) == starts_at(DAY, zone)
    assert start.tzinfo is not None


def test_an_empty_batch_is_an_empty_frame_with_the_same_columns() -> None:
    batch = normalise([], "UTC")
    assert len(batch) == 0
    assert batch.columns.tolist() == normalise([sound()], "UTC").columns.tolist()


def test_minus_zero_becomes_zero() -> None:
    kbps = row(normalise([sound(kbps=[-0.0] * 288)], "UTC"), "a1")[0]
    assert math.copysign(1, kbps) == 1


RATES = st.lists(st.floats(0, 1e12) | st.just(NAN), min_size=288, max_size=288)
KEYS = st.tuples(st.sampled_from(["a1", "b2", "c3"]), st.dates(date(2020, 1, 1), date(2035, 1, 1)))


@given(st.dictionaries(KEYS, RATES, min_size=1, max_size=4))
def test_every_point_stays_in_its_slot(days: dict[tuple[str, date], list[float]]) -> None:
    batch = normalise([sound(app_id, day, kbps) for (app_id, day), kbps in days.items()], "Asia/Shanghai")
    assert sorted(days) == batch.index.tolist()
    for (app_id, day), kbps in days.items():
        out = row(batch, app_id, day)
        assert pd.Series(kbps).equals(pd.Series(points(out).tolist()))
        present = sum(not math.isnan(rate) for rate in kbps)
        assert out["points"] == present
        assert out["state"] == ("collected" if present == 288 else "partial")
