"""Bodies that are too large, compressed, truncated or oddly encoded: bounded, and marked with a fault."""

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
from tests.client.push_stream_requests import CERTIFICATE, account, fetch_day
from tests.client.raw_server import EMPTY_DAY, Behaviour, http_response, raw_server, respond_with

MEBIBYTE = 1 << 20
BOMB_MEBIBYTES = 30
ENDLESS_MEBIBYTES = 64  # far more than a client reads
PEAK_MEBIBYTES = 8


def fetch(behave: Behaviour) -> Response:
    async def main() -> Response:
        async with raw_server(behave) as server:
            return await fetch_day(account(server.base_url))

    return asyncio.run(main())


def test_a_complete_body_has_no_fault() -> None:
    got = fetch(respond_with(http_response(200, EMPTY_DAY)))
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
    got = fetch(respond_with(http_response(status, EMPTY_DAY, Date=text)))
    assert got.server_date == date
    assert before <= got.fetched_at <= datetime.now(UTC), "the clock of this machine"


def test_a_response_without_a_date_header_has_no_server_date() -> None:
    assert fetch(respond_with(http_response(200, EMPTY_DAY))).server_date is None


def test_an_error_response_also_has_the_server_date() -> None:
    async def main() -> None:
        async with raw_server(
            respond_with(http_response(400, b"", Date="Sun, 29 Nov 2026 12:34:56 GMT"))
        ) as server:
            with pytest.raises(VendorError) as refused:
                await fetch_day(account(server.base_url))
        assert refused.value.answer is not None
        assert refused.value.answer.server_date == datetime(2026, 11, 29, 12, 34, 56, tzinfo=UTC)

    asyncio.run(main())


def test_a_body_at_the_size_limit_is_complete() -> None:
    body = b" " * MAX_BODY_BYTES
    got = fetch(respond_with(http_response(200, body)))
    assert (got.body, got.fault) == (body, "")


@pytest.mark.parametrize("head", [b"", b"Transfer-Encoding: chunked\r\n"], ids=["until it closes", "chunked"])
def test_an_endless_body_is_cut_off_at_the_size_limit(head: bytes) -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter, _number: int) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")
        block = b"x" * 65536
        while sent < ENDLESS_MEBIBYTES * MEBIBYTE:
            writer.write(b"10000\r\n" + block + b"\r\n" if head else block)
            await writer.drain()
            sent += len(block)

    got = fetch(endless)
    assert len(got.body) == MAX_BODY_BYTES
    assert got.fault == "the body is larger than 32768 bytes"
    # The client closed the connection, so the server sent no more than the buffers hold.
    assert sent < ENDLESS_MEBIBYTES * MEBIBYTE


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate"])
def test_a_compressed_body_is_read(encoding: str) -> None:
    compressed = zlib.compress(EMPTY_DAY) if encoding == "deflate" else gzip.compress(EMPTY_DAY)
    got = fetch(respond_with(http_response(200, compressed, Content_Encoding=encoding)))
    assert (got.body, got.fault) == (EMPTY_DAY, "")


def test_a_gzip_bomb_is_refused() -> None:
    bomb = gzip.compress(b"\x00" * (MAX_BODY_BYTES + 1))
    got = fetch(respond_with(http_response(200, bomb, Content_Encoding="gzip")))
    assert got.body == bomb
    assert got.fault == "the body is larger than 32768 bytes when decompressed"


def test_a_compressed_body_at_the_size_limit_is_complete() -> None:
    body = b" " * MAX_BODY_BYTES
    got = fetch(respond_with(http_response(200, gzip.compress(body), Content_Encoding="gzip")))
    assert (got.body, got.fault) == (body, "")


def gzip_bomb(mebibytes: int) -> bytes:
    packer = zlib.compressobj(level=9, wbits=zlib.MAX_WBITS | 16)
    block = b"\x00" * MEBIBYTE
    return b"".join(packer.compress(block) for _ in range(mebibytes)) + packer.flush()


def test_a_gzip_bomb_does_not_exhaust_memory() -> None:
    bomb = gzip_bomb(BOMB_MEBIBYTES)
    assert len(bomb) < MAX_BODY_BYTES, "otherwise, the limit on received bytes applies first"
    tracemalloc.start()
    try:
        got = fetch(respond_with(http_response(200, bomb, Content_Encoding="gzip")))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "larger than 32768 bytes" in got.fault
    assert peak_bytes < PEAK_MEBIBYTES * MEBIBYTE


@pytest.mark.parametrize("size", [0, 5, -1], ids=["nothing", "half a head", "all but one byte"])
def test_a_truncated_compressed_body_is_marked(size: int) -> None:
    cut = gzip.compress(EMPTY_DAY)[:size]
    got = fetch(respond_with(http_response(200, cut, Content_Encoding="gzip")))
    assert got.fault == "the compressed body is truncated"
    assert got.body == cut


@pytest.mark.parametrize(
    "more", [b"\x00", b"garbage", gzip.compress(b"{}")], ids=["NUL", "garbage", "a second stream"]
)
def test_a_compressed_body_with_trailing_data_is_marked(more: bytes) -> None:
    compressed = gzip.compress(EMPTY_DAY) + more
    got = fetch(respond_with(http_response(200, compressed, Content_Encoding="gzip")))
    assert got.fault == "the compressed body is followed by other data"
    assert got.body == compressed


def test_a_body_falsely_labelled_as_compressed_is_marked() -> None:
    got = fetch(respond_with(http_response(200, EMPTY_DAY, Content_Encoding="gzip")))
    assert got.fault.startswith("the compressed body cannot be read (")
    assert got.body == EMPTY_DAY


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x" * 500])
def test_an_unrequested_encoding_is_marked(encoding: str) -> None:
    got = fetch(respond_with(http_response(200, b"\x1b\x00", Content_Encoding=encoding)))
    assert got.fault == f"the body is encoded as {encoding[:40]!r}, which was not requested"
    assert got.body == b"\x1b\x00"


@pytest.mark.parametrize("encoding", ["identity", "", " Identity "])
def test_the_identity_encoding_is_accepted(encoding: str) -> None:
    got = fetch(respond_with(http_response(200, EMPTY_DAY, Content_Encoding=encoding)))
    assert (got.body, got.fault) == (EMPTY_DAY, "")


@pytest.mark.parametrize("end", [-1, -20], ids=["one byte", "twenty bytes"])
def test_a_body_shorter_than_announced_is_an_error_with_the_received_bytes(end: int) -> None:
    with pytest.raises(
        VendorUnavailable, match=r"the body was cut off after .* the connection was closed"
    ) as cut:
        fetch(respond_with(http_response(200, EMPTY_DAY)[:end]))
    assert cut.value.answer is not None
    assert cut.value.answer.body == EMPTY_DAY[:end]
    assert cut.value.answer.fault == f"the body was cut off after {len(EMPTY_DAY) + end} bytes"


@pytest.mark.parametrize(("status", "kind"), [(404, UnknownApp), (500, VendorUnavailable)])
def test_a_truncated_error_response_is_classified_by_its_status(status: int, kind: type[VendorError]) -> None:
    with pytest.raises(kind, match=f"HTTP {status} from the vendor: sor") as refused:
        fetch(respond_with(http_response(status, b"sorry")[:-2]))
    assert refused.value.answer is not None
    assert refused.value.answer.fault == "the body was cut off after 3 bytes"


def test_partial_content_is_marked() -> None:
    got = fetch(respond_with(http_response(206, EMPTY_DAY)))
    assert (got.body, got.fault) == (EMPTY_DAY, "the body is partial content, which was not requested")
    broken = fetch(respond_with(http_response(206, EMPTY_DAY, Content_Encoding="gzip")))
    assert broken.fault.startswith("the compressed body cannot be read (")


def test_a_fault_shows_no_secret() -> None:
    got = fetch(respond_with(http_response(200, b"{}", Content_Encoding=CERTIFICATE)))
    assert got.fault == "the body is encoded as '***', which was not requested"
