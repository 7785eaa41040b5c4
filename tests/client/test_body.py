"""Bodies that are too large, compressed, cut or oddly encoded: bounded, and marked with what is wrong."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from datetime import UTC, datetime

import pytest

from agora.client.body import MAX_BODY_BYTES
from agora.client.response import Response
from agora.errors import UnknownApp, VendorError, VendorUnavailable
from tests.client.push_stream_requests import CERTIFICATE, account, asked
from tests.client.raw_server import EMPTY_DAY, Behaviour, answer, answers, raw_server

MEBIBYTE = 1 << 20
BOMB_MEBIBYTES = 30
ENDLESS_MEBIBYTES = 64  # by then nobody reads any more
MOST_MEBIBYTES = 8


def received(behave: Behaviour) -> Response:
    async def main() -> Response:
        async with raw_server(behave) as server:
            return await asked(account(server.base_url))

    return asyncio.run(main())


def test_a_whole_body_has_no_fault() -> None:
    got = received(answers(answer(200, EMPTY_DAY)))
    assert (got.body, got.fault) == (EMPTY_DAY, "")


@pytest.mark.parametrize("status", [200, 206])
@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("Sun, 29 Nov 2026 12:34:56 GMT", datetime(2026, 11, 29, 12, 34, 56, tzinfo=UTC)),
        ("Sunday, 29-Nov-26 12:34:56 GMT", datetime(2026, 11, 29, 12, 34, 56, tzinfo=UTC)),
        ("Sun Nov 29 12:34:56 2026", datetime(2026, 11, 29, 12, 34, 56, tzinfo=UTC)),
        ("Sun, 29 Nov 2026 20:34:56 +0800", datetime(2026, 11, 29, 12, 34, 56, tzinfo=UTC)),
        ("", None),
        ("today", None),
        ("1764419696", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", None),
    ],
)
def test_the_date_header_is_the_servers_clock(status: int, text: str, date: datetime | None) -> None:
    before = datetime.now(UTC)
    got = received(answers(answer(status, EMPTY_DAY, Date=text)))
    assert got.server_date == date
    assert before <= got.fetched_at <= datetime.now(UTC), "the clock of this machine"


def test_a_response_without_a_date_has_none() -> None:
    assert received(answers(answer(200, EMPTY_DAY))).server_date is None


def test_a_refusal_has_the_servers_date_too() -> None:
    async def main() -> None:
        async with raw_server(answers(answer(400, b"", Date="Sun, 29 Nov 2026 12:34:56 GMT"))) as server:
            with pytest.raises(VendorError) as refused:
                await asked(account(server.base_url))
        assert refused.value.answer is not None
        assert refused.value.answer.server_date == datetime(2026, 11, 29, 12, 34, 56, tzinfo=UTC)

    asyncio.run(main())


def test_a_body_of_exactly_the_cap_is_whole() -> None:
    body = b" " * MAX_BODY_BYTES
    got = received(answers(answer(200, body)))
    assert (got.body, got.fault) == (body, "")


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: chunked\r\n"], ids=["until it closes", "chunked"])
def test_an_endless_body_is_cut_at_the_cap_and_hung_up_on(head: bytes) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter, _number: int) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        block = b"x" * 65536
        while sent < ENDLESS_MEBIBYTES * MEBIBYTE:
            writer.write(b"10000\r\n" + block + b"\r\n" if head else block)
            await writer.drain()
            sent += len(block)

    got = received(endless)
    assert len(got.body) == MAX_BODY_BYTES
    assert got.fault == "the body is larger than 32768 bytes"
    # What lay in buffers when the connection was closed, but no more.
    assert sent < ENDLESS_MEBIBYTES * MEBIBYTE


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate"])
def test_a_compressed_body_is_read(encoding: str) -> None:
    compressed = zlib.compress(EMPTY_DAY) if encoding == "deflate" else gzip.compress(EMPTY_DAY)
    got = received(answers(answer(200, compressed, Content_Encoding=encoding)))
    assert (got.body, got.fault) == (EMPTY_DAY, "")


def test_a_gzip_bomb_is_refused() -> None:
    bomb = gzip.compress(b"\x00" * (MAX_BODY_BYTES + 1))
    got = received(answers(answer(200, bomb, Content_Encoding="gzip")))
    assert got.body == bomb
    assert got.fault == "the body is larger than 32768 bytes when decompressed"


def test_a_compressed_body_of_exactly_the_cap_is_whole() -> None:
    body = b" " * MAX_BODY_BYTES
    got = received(answers(answer(200, gzip.compress(body), Content_Encoding="gzip")))
    assert (got.body, got.fault) == (body, "")


def gzip_bomb(mebibytes: int) -> bytes:
    packer = zlib.compressobj(level=9, wbits=zlib.MAX_WBITS | 16)
    block = b"\x00" * MEBIBYTE
    return b"".join(packer.compress(block) for _ in range(mebibytes)) + packer.flush()


def test_a_gzip_bomb_does_not_take_the_memory() -> None:
    bomb = gzip_bomb(BOMB_MEBIBYTES)
    assert len(bomb) < MAX_BODY_BYTES, "or the cap on what is received would stop it"
    tracemalloc.start()
    try:
        got = received(answers(answer(200, bomb, Content_Encoding="gzip")))
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "larger than 32768 bytes" in got.fault
    assert most_bytes < MOST_MEBIBYTES * MEBIBYTE


@pytest.mark.parametrize("kept", [0, 5, -1], ids=["nothing", "half a head", "all but a byte"])
def test_a_truncated_compressed_body_is_marked(kept: int) -> None:
    cut = gzip.compress(EMPTY_DAY)[:kept]
    got = received(answers(answer(200, cut, Content_Encoding="gzip")))
    assert got.fault == "the compressed body is truncated"
    assert got.body == cut


@pytest.mark.parametrize(
    "more", [b"\x00", b"garbage", gzip.compress(b"{}")], ids=["NUL", "garbage", "another"]
)
def test_a_compressed_body_with_something_after_it_is_marked(more: bytes) -> None:
    compressed = gzip.compress(EMPTY_DAY) + more
    got = received(answers(answer(200, compressed, Content_Encoding="gzip")))
    assert got.fault == "the compressed body is followed by other data"
    assert got.body == compressed


def test_a_compressed_body_that_is_none_is_marked() -> None:
    got = received(answers(answer(200, EMPTY_DAY, Content_Encoding="gzip")))
    assert got.fault.startswith("the compressed body cannot be read (")
    assert got.body == EMPTY_DAY


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x" * 500])
def test_an_encoding_nobody_asked_for_is_marked(encoding: str) -> None:
    got = received(answers(answer(200, b"\x1b\x00", Content_Encoding=encoding)))
    assert got.fault == f"the body is encoded as {encoding[:40]!r}, which was not requested"
    assert got.body == b"\x1b\x00"


@pytest.mark.parametrize("encoding", ["identity", "", " Identity "])
def test_no_encoding_under_another_name_is_fine(encoding: str) -> None:
    got = received(answers(answer(200, EMPTY_DAY, Content_Encoding=encoding)))
    assert (got.body, got.fault) == (EMPTY_DAY, "")


@pytest.mark.parametrize("end", [-1, -20], ids=["a byte", "twenty bytes"])
def test_a_body_shorter_than_announced_is_no_answer_and_what_came_is_kept(end: int) -> None:
    with pytest.raises(
        VendorUnavailable, match=r"the body was cut off after .* the connection was closed"
    ) as cut:
        received(answers(answer(200, EMPTY_DAY)[:end]))
    assert cut.value.answer is not None
    assert cut.value.answer.body == EMPTY_DAY[:end]
    assert cut.value.answer.fault == f"the body was cut off after {len(EMPTY_DAY) + end} bytes"


@pytest.mark.parametrize(("status", "kind"), [(404, UnknownApp), (500, VendorUnavailable)])
def test_of_a_refusal_that_broke_off_the_status_says_enough(status: int, kind: type[VendorError]) -> None:
    with pytest.raises(kind, match=f"HTTP {status} from the vendor: sor") as refused:
        received(answers(answer(status, b"sorry")[:-2]))
    assert refused.value.answer is not None
    assert refused.value.answer.fault == "the body was cut off after 3 bytes"


def test_a_part_of_a_body_is_marked() -> None:
    got = received(answers(answer(206, EMPTY_DAY)))
    assert (got.body, got.fault) == (EMPTY_DAY, "the body is partial content, which was not requested")
    broken = received(answers(answer(206, EMPTY_DAY, Content_Encoding="gzip")))
    assert broken.fault.startswith("the compressed body cannot be read (")


def test_a_fault_repeats_no_secret() -> None:
    got = received(answers(answer(200, b"{}", Content_Encoding=CERTIFICATE)))
    assert got.fault == "the body is encoded as '***', which was not requested"
