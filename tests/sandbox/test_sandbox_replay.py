"""Recorded traffic: served as one further app, as the file has it, on the days before today."""

from __future__ import annotations

import csv
import gzip
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.replay import read_replay
from sandbox.slots import SLOT_LABELS
from sandbox.testing import RunningSandbox, running_sandbox

EU_LINK = Path(__file__).resolve().parents[3] / "shared/data/eu_link_5min_2005.csv.gz"
CLOCK = "2026-11-22T12:00:00Z"
YESTERDAY = date(2026, 11, 21)


def write(path: Path, rows: list[tuple[str, str]], header: str = "interval_start,bits") -> Path:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.write("\n".join([header, *(",".join(row) for row in rows)]) + "\n")
    return path


def intervals(first: str, count: int) -> list[tuple[str, str]]:
    start = datetime.fromisoformat(first)
    return [(str(start + timedelta(minutes=5 * n)), str(1_000_000_007 + 31 * n)) for n in range(count)]


def served(sandbox: RunningSandbox, day: date) -> dict[str, float]:
    reply = sandbox.fetch(sandbox.app_ids[-1], day)
    assert reply.status == 200
    value: dict[str, float] = reply.json()["value"]
    return value


@pytest.mark.parametrize("name", ["link.csv", "link.csv.gz"])
def test_equals_the_file(tmp_path: Path, name: str) -> None:
    # From noon of one day over a whole one to six in the morning of the next.
    rows = intervals("2005-06-07 12:00:00", 144 + 288 + 72)
    kbps = [int(bits) / 300 / 1000 for _, bits in rows]
    with running_sandbox(apps=2, traffic=write(tmp_path / name, rows), clock=CLOCK) as sandbox:
        assert len(sandbox.app_ids) == 3
        assert sandbox.control("GET", "apps")[-1]["name"] == "replay-link"
        before, yesterday, today = (served(sandbox, YESTERDAY + timedelta(days=n)) for n in (-1, 0, 1))
        assert yesterday == dict(zip(SLOT_LABELS, kbps[144:432], strict=True))
        assert before == dict(zip(SLOT_LABELS[144:], kbps[:144], strict=True))
        assert today == dict(zip(SLOT_LABELS[:72], kbps[432:], strict=True))
        assert sandbox.points(sandbox.app_ids[-1], YESTERDAY) == kbps[144:432]
        assert served(sandbox, YESTERDAY - timedelta(days=2)) == {}


def test_intervals_that_the_file_lacks_are_absent_and_not_zero(tmp_path: Path) -> None:
    rows = intervals("2005-06-07 00:00:00", 2 * 288)
    del rows[10:20]
    with running_sandbox(traffic=write(tmp_path / "link.csv", rows), clock=CLOCK) as sandbox:
        value = served(sandbox, YESTERDAY - timedelta(days=1))
        assert list(value) == [*SLOT_LABELS[:10], *SLOT_LABELS[20:]]


def test_a_served_day_does_not_change_when_the_clock_moves_on(tmp_path: Path) -> None:
    path = write(tmp_path / "link.csv", intervals("2005-06-07 00:00:00", 2 * 288))
    with running_sandbox(traffic=path, clock=CLOCK) as sandbox:
        first = served(sandbox, YESTERDAY)
        sandbox.put_clock("2026-11-25T12:00:00Z")
        assert served(sandbox, YESTERDAY) == first
        assert served(sandbox, YESTERDAY + timedelta(days=3)) == {}


def test_its_app_id_follows_from_the_seed_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "link.csv", intervals("2005-06-07 00:00:00", 288))
    with running_sandbox(apps=0, traffic=path) as few, running_sandbox(apps=5, traffic=path) as many:
        assert few.app_ids[-1] == many.app_ids[-1]
        assert few.control("GET", "apps")[-1]["app_id"] == few.app_ids[-1]


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        ([], "interval_start,bits", "no whole day"),
        (intervals("2005-06-07 00:00:00", 287), "interval_start,bits", "no whole day"),
        ([("2005-06-07 00:00:00", "1")], "time,bits", "columns"),
        ([("2005-06-07 00:03:00", "1")], "interval_start,bits", "line 2: .*five-minute"),
        ([("2005-06-07 00:05:00", "1")] * 2, "interval_start,bits", "line 3: .*twice"),
        ([("2005-06-07 00:05:00", "x")], "interval_start,bits", "line 2"),
        ([("2005-06-07 00:05:00", "-1")], "interval_start,bits", "below zero"),
        ([("yesterday", "1")], "interval_start,bits", "line 2"),
    ],
)
def test_refuses_a_file_of_another_form(
    tmp_path: Path, rows: list[tuple[str, str]], header: str, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        read_replay(write(tmp_path / "link.csv", rows, header))


@pytest.mark.skipif(
    not EU_LINK.exists(), reason="shared/data/eu_link_5min_2005.csv.gz is not beside the clone."
)
def test_the_recorded_link_is_served_as_it_was_recorded() -> None:
    with gzip.open(EU_LINK, "rt", encoding="utf-8", newline="") as file:
        recorded = {datetime.fromisoformat(r["interval_start"]): int(r["bits"]) for r in csv.DictReader(file)}
    with running_sandbox(apps=1, traffic=EU_LINK, clock=CLOCK, window="60 days") as sandbox:
        shift = YESTERDAY - date(2005, 7, 27)
        for days_ago in range(52):
            day = YESTERDAY - timedelta(days=days_ago)
            then = day - shift
            expected = {
                f"{start:%H:%M}": bits / 300 / 1000
                for start, bits in recorded.items()
                if start.date() == then
            }
            assert served(sandbox, day) == expected
