"""Recorded traffic: one more app, with the points of the file on the days before today."""

from __future__ import annotations

import csv
import gzip
import os
import re
import tracemalloc
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.__main__ import main
from sandbox.traffic.recorded import read_recorded_traffic
from sandbox.traffic.slots import SLOT_LABELS
from tests.sandbox.in_process import InProcessSandbox, sandbox_in_process
from tests.support.paths import SHARED_DATA

EU_LINK = SHARED_DATA / "eu_link_5min_2005.csv.gz"
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


def served(sandbox: InProcessSandbox, day: date) -> dict[str, float]:
    reply = sandbox.fetch(sandbox.app_ids[-1], day)
    assert reply.status == 200
    value: dict[str, float] = reply.json()["value"]
    return value


def refusal(file: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the last line of the error that ends a start with a traffic file."""
    with pytest.raises(SystemExit) as ended:
        main(["--port", "0", "--traffic", str(file)])
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("name", ["link.csv", "link.csv.gz"])
def test_the_points_equal_the_file(tmp_path: Path, name: str) -> None:
    # From noon on the first day to 06:00 on the third.
    rows = intervals("2005-06-07 12:00:00", 144 + 288 + 72)
    kbps = [int(bits) / 300 / 1000 for _, bits in rows]
    with sandbox_in_process(apps=2, traffic=write(tmp_path / name, rows), clock=CLOCK) as sandbox:
        assert len(sandbox.app_ids) == 3
        assert sandbox.control("GET", "apps")[-1]["name"] == "replay-link"
        before, yesterday, today = (served(sandbox, YESTERDAY + timedelta(days=n)) for n in (-1, 0, 1))
        assert yesterday == dict(zip(SLOT_LABELS, kbps[144:432], strict=True))
        assert before == dict(zip(SLOT_LABELS[144:], kbps[:144], strict=True))
        assert today == dict(zip(SLOT_LABELS[:72], kbps[432:], strict=True))
        assert sandbox.points(sandbox.app_ids[-1], YESTERDAY) == kbps[144:432]
        assert served(sandbox, YESTERDAY - timedelta(days=2)) == {}


def test_missing_intervals_are_absent_points(tmp_path: Path) -> None:
    rows = intervals("2005-06-07 00:00:00", 2 * 288)
    del rows[10:20]
    with sandbox_in_process(traffic=write(tmp_path / "link.csv", rows), clock=CLOCK) as sandbox:
        value = served(sandbox, YESTERDAY - timedelta(days=1))
        assert list(value) == [*SLOT_LABELS[:10], *SLOT_LABELS[20:]]


def test_a_served_day_does_not_change_when_the_clock_moves_on(tmp_path: Path) -> None:
    path = write(tmp_path / "link.csv", intervals("2005-06-07 00:00:00", 2 * 288))
    with sandbox_in_process(traffic=path, clock=CLOCK) as sandbox:
        first = served(sandbox, YESTERDAY)
        sandbox.put_clock("2026-11-25T12:00:00Z")
        assert served(sandbox, YESTERDAY) == first
        assert served(sandbox, YESTERDAY + timedelta(days=3)) == {}


def test_the_app_id_depends_only_on_the_seed(tmp_path: Path) -> None:
    path = write(tmp_path / "link.csv", intervals("2005-06-07 00:00:00", 288))
    with sandbox_in_process(apps=0, traffic=path) as few, sandbox_in_process(apps=5, traffic=path) as many:
        assert few.app_ids[-1] == many.app_ids[-1]
        assert few.control("GET", "apps")[-1]["app_id"] == few.app_ids[-1]


@pytest.mark.parametrize(
    ("rows", "header", "expected"),
    [
        ([], "interval_start,bits", "no whole day"),
        (intervals("2005-06-07 00:00:00", 287), "interval_start,bits", "no whole day"),
        ([("2005-06-07 00:00:00", "1")], "time,bits", "columns"),
        ([("2005-06-07 00:03:00", "1")], "interval_start,bits", "line 2: .*five-minute"),
        ([("2005-06-07 00:05:00", "1")] * 2, "interval_start,bits", "line 3: .*twice"),
        ([("2005-06-07 00:05:00", "x")], "interval_start,bits", "line 2"),
        ([("2005-06-07 00:05:00", "-1")], "interval_start,bits", "is negative"),
        ([("yesterday", "1")], "interval_start,bits", "line 2"),
    ],
)
def test_refuses_a_malformed_file(
    tmp_path: Path, rows: list[tuple[str, str]], header: str, expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        read_recorded_traffic(write(tmp_path / "link.csv", rows, header))


ROW = b"2005-06-07 00:00:00,1\n"
HEADER = b"interval_start,bits\n"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("cut.csv.gz", gzip.compress(HEADER + ROW * 99, mtime=0)[:-12], "cut.csv.gz cannot be read: .*"),
        ("no.csv.gz", HEADER, "no.csv.gz cannot be read: Not a gzipped file.*"),
        ("bad.csv.gz", gzip.compress(HEADER, mtime=0)[:12] + b"\xff" * 20, "bad.csv.gz cannot be read: .*"),
        ("x.csv", HEADER + b'"2005-06-07 00:00:00,1\n', "x.csv, line 2: not CSV .*"),
        (
            "x.csv",
            HEADER + b"2005-06-07 00:00:00," + b"9" * 400,
            "x.csv, line 2: column bits: '9+…' is not .*",
        ),
        (
            "x.csv",
            HEADER + b"2005-06-07 00:00:00," + b"9" * 5000,
            "x.csv, line 2: column bits: '9+…' is not .*",
        ),
        ("x.csv", HEADER + b"2005-06-07 00:00:00," + b"9" * 200_000, "x.csv, line 2: not CSV .*"),
        *(
            (
                "x.csv",
                HEADER + b"2005-06-07 00:00:00," + bits,
                "x.csv, line 2: column bits: .* is not an integer .*",
            )
            for bits in (b"nan", b"inf", b"1e3", b"1.5", b"", b"1_0", b" 1", "１".encode())
        ),
        (
            "x.csv",
            HEADER + b"2005-06-07 00:00:00,-" + b"9" * 400,
            "x.csv, line 2: column bits: .* is negative.",
        ),
        ("x.csv", HEADER + ROW + b"2005-06-31 00:00:00,1", "x.csv, line 3: column interval_start: .*"),
        ("x.csv", HEADER + b"2005-06-07 00:00:00,1,2", "x.csv, line 2: 3 fields, but .* 2 columns."),
        ("x.csv", HEADER + b"2005-06-07 00:00:00", "x.csv, line 2: 1 fields, but .* 2 columns."),
        ("x.csv", b"interval_start,bits,bits\n", "x.csv, line 1: the column 'bits' occurs twice."),
        ("x.csv", b"a,interval_start,bits,a\n", "x.csv, line 1: the column 'a' occurs twice."),
        ("x.csv", b"", "x.csv, line 1: the columns interval_start and bits are required."),
        ("x.csv", HEADER + b"2005-06-07 \xff", "x.csv, line 2: the text is not UTF-8."),
        ("x.csv", HEADER.decode().encode("utf-16"), "x.csv, line 1: the text is not UTF-8."),
        ("x.csv", HEADER + ROW + b"\0", "x.csv, line 3: the text contains a NUL character."),
    ],
)
def test_the_error_names_file_line_and_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes, expected: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert re.fullmatch(f".*error: {expected}", refusal(file, capsys))


@pytest.mark.parametrize("given", [".", "absent.csv"])
def test_refuses_a_directory_and_an_absent_file(tmp_path: Path, given: str) -> None:
    with pytest.raises(ValueError, match=r"cannot be read: (Is a directory|No such file or directory)\.$"):
        read_recorded_traffic(tmp_path / given)


@pytest.mark.parametrize(
    ("whole", "lone"), [("2020-01-01", "9999-12-31 00:00:00"), ("9999-12-31", "0001-01-01 00:00:00")]
)
def test_refuses_a_day_that_leaves_the_calendar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], whole: str, lone: str
) -> None:
    file = write(
        tmp_path / "link.csv", [*intervals(f"{whole} 00:00:00", 287), (f"{whole} 23:55:00", "1"), (lone, "5")]
    )
    first, last = sorted([whole, lone[:10]])
    assert f"days from {first} to {last}. With the last whole day, {whole}, moved to " in refusal(
        file, capsys
    )


@pytest.mark.parametrize("name", ["bomb.csv.gz", "long.csv"])
def test_refuses_a_file_of_more_than_ten_years(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    rows = write(tmp_path / "link.csv", intervals("2005-06-07 00:00:00", 288)).read_bytes()
    with gzip.open(file, "wb") if name.endswith(".gz") else file.open("wb") as content:
        content.write(rows)
        for _ in range(100):
            content.write(b"\n" * (1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=f"^{name} has more than 32 MiB of text\\.$"):
            read_recorded_traffic(file)
        assert tracemalloc.get_traced_memory()[1] < 80 << 20
    finally:
        tracemalloc.stop()


def test_refuses_a_pipe_without_waiting(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "fifo.csv")
    assert refusal(tmp_path / "fifo.csv", capsys).endswith("fifo.csv cannot be read: not a regular file.")


@pytest.mark.parametrize("name", ["a\x1b[31mred\nx.csv", "a\u202ex.csv", os.fsdecode(b"a\xff.csv")])
@pytest.mark.parametrize("content", ["x", "interval_start,bits\n", "interval_start,bits\nx,1\n", "\0", None])
def test_escapes_an_unprintable_file_name(tmp_path: Path, name: str, content: str | None) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValueError, match=re.escape(repr(name))) as raised:
        read_recorded_traffic(file)
    assert str(raised.value).isprintable()


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    file = write(tmp_path / "link.csv", intervals("2005-06-07 00:00:00", 288))
    marked = tmp_path / "marked.csv"
    marked.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert read_recorded_traffic(marked).last_whole_day == read_recorded_traffic(file).last_whole_day


@pytest.mark.skipif(
    not EU_LINK.exists(), reason="shared/data/eu_link_5min_2005.csv.gz is not beside the clone."
)
def test_the_sample_file_is_served_unchanged() -> None:
    with gzip.open(EU_LINK, "rt", encoding="utf-8", newline="") as file:
        recorded = {datetime.fromisoformat(r["interval_start"]): int(r["bits"]) for r in csv.DictReader(file)}
    with sandbox_in_process(apps=1, traffic=EU_LINK, clock=CLOCK, window="60 days") as sandbox:
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
