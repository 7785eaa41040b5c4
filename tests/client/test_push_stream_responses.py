"""Bodies of 2xx responses to channel calls: decoded strictly, and unexpected if they contain no channel."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import Any

import pytest

from agora.client.body import MAX_BODY_BYTES
from agora.client.push_stream import Channel
from agora.errors import (
    ChannelConflict,
    ChannelKeyRefused,
    ChannelNotFound,
    OutcomeUnknown,
    RateLimited,
    RequestInvalid,
    UnexpectedResponse,
    VendorError,
    VendorUnavailable,
)
from tests.client.push_stream_requests import APP_ID, CHANNEL_CALLS, CNAME, call_channel, channel_account
from tests.client.raw_server import http_response, raw_server, respond_with

EVERY_CALL = pytest.mark.parametrize("name", CHANNEL_CALLS)
ABOUT = f"Channel {CNAME}, App {APP_ID}, connection some_channels: "

# From the vendor's document, where the response to an update of `channel` names `channel1`.
EXAMPLE = b"""
{
      "data": {
              "cname": "channel1",
              "uids": [6496936, 6285261],
              "urls": ["rtmp://agora.io/stream1", "rtmp://agora.io/stream2"]
      }
}
"""
EXAMPLE_CHANNEL = Channel(
    "channel1", [6496936, 6285261], ["rtmp://agora.io/stream1", "rtmp://agora.io/stream2"]
)


def decoded(name: str, response: bytes) -> Channel:
    """Return the channel that a call decodes from the response to its only request."""

    async def main() -> Channel:
        async with raw_server(respond_with(response)) as server:
            try:
                return await call_channel(channel_account(server.push_stream_url), CHANNEL_CALLS[name])
            finally:
                assert len(server.received) == 1

    return asyncio.run(main())


def unexpected(name: str, response: bytes) -> str:
    """Return the error for a response, without the beginning that names the request."""
    with pytest.raises(UnexpectedResponse) as refused:
        decoded(name, response)
    text = str(refused.value)
    assert text.startswith(ABOUT)
    assert text.endswith(
        " The request has probably taken effect. Update the channel to find out, or stop it."
        " See docs/runbook.md#unexpected-response"
    )
    return text.removeprefix(ABOUT)


def wrapped(**data: Any) -> bytes:
    return http_response(200, json.dumps({"data": {"cname": CNAME, **data}}).encode())


@EVERY_CALL
def test_the_documented_example_is_decoded_although_it_names_another_channel(name: str) -> None:
    assert decoded(name, http_response(200, EXAMPLE)) == EXAMPLE_CHANNEL


@EVERY_CALL
@pytest.mark.parametrize(
    ("data", "channel"),
    [
        ({}, Channel(CNAME, [], [])),
        ({"uids": [1, 4294967295]}, Channel(CNAME, [1, 4294967295], [])),
        ({"urls": ["rtmp://a.example/1"]}, Channel(CNAME, [], ["rtmp://a.example/1"])),
        ({"uids": [], "urls": [""]}, Channel(CNAME, [], [""])),
        ({"cname": "", "uids": [], "urls": []}, Channel("", [], [])),
        ({"cname": "频道"}, Channel("频道", [], [])),
        ({"sid": "7", "uids": [2]}, Channel(CNAME, [2], [])),
    ],
)
def test_absent_and_additional_fields_are_accepted(name: str, data: dict[str, Any], channel: Channel) -> None:
    assert decoded(name, wrapped(**data)) == channel


@EVERY_CALL
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_compressed_body_is_read(name: str, encoding: str) -> None:
    body = gzip.compress(EXAMPLE) if encoding == "gzip" else zlib.compress(EXAMPLE)
    assert decoded(name, http_response(200, body, Content_Encoding=encoding)) == EXAMPLE_CHANNEL


@EVERY_CALL
def test_a_body_at_the_size_limit_is_read(name: str) -> None:
    assert (
        decoded(name, http_response(200, EXAMPLE + b" " * (MAX_BODY_BYTES - len(EXAMPLE)))) == EXAMPLE_CHANNEL
    )


@EVERY_CALL
def test_null_is_the_same_as_absent(name: str) -> None:
    assert decoded(name, wrapped(uids=None, urls=None)) == Channel(CNAME, [], [])


@EVERY_CALL
def test_values_outside_the_request_format_are_accepted(name: str) -> None:
    """For a start, the document does not call `urls` an array. It states no range for `uids`."""
    channel = decoded(name, wrapped(uids=[7, 0], urls="rtmp://a.example/1"))
    assert channel == Channel(CNAME, [7, 0], ["rtmp://a.example/1"])


@EVERY_CALL
@pytest.mark.parametrize(
    "data",
    [
        {"cname": None},
        {"cname": 7},
        {"cname": ["lobby"]},
        {"uids": "7"},
        {"uids": 7},
        {"uids": {"7": 7}},
        {"uids": ["7"]},
        {"uids": [7.0]},
        {"uids": [True]},
        {"uids": [None]},
        {"uids": [[7]]},
        {"uids": [float("nan")]},
        {"urls": {"rtmp://a.example/1": 1}},
        {"urls": [None]},
        {"urls": [7]},
        {"urls": [["rtmp://a.example/1"]]},
    ],
    ids=str,
)
def test_a_channel_with_wrong_types_is_unexpected(name: str, data: dict[str, Any]) -> None:
    assert unexpected(name, wrapped(**data)).startswith(
        'HTTP 200, but the body has no channel: {"data": {"cname": '
    )


@EVERY_CALL
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "no message"),
        (b"  \n", "no message"),
        (b"<html><body>Welcome</body></html>", "<html><body>Welcome</body></html>"),
        (b"OK", "OK"),
        (b"null", "null"),
        (b"[]", "[]"),
        (b"{}", "{}"),
        (b'"data"', '"data"'),
        (b"7", "7"),
        (b'{"data": null}', '{"data": null}'),
        (b'{"data": []}', '{"data": []}'),
        (b'{"data": "lobby"}', '{"data": "lobby"}'),
        (b'{"data": {}}', '{"data": {}}'),
        (b'{"cname": "lobby", "uids": [], "urls": []}', '{"cname": "lobby"'),
        (EXAMPLE[:-3], '{ "data": { "cname": "channel1"'),
        (EXAMPLE + b"}", '{ "data": { "cname": "channel1"'),
        (b'{"data": {"cname": "\xff"}}', '{"data": {"cname": "�"}}'),
        (b'{"data": ' * 2000 + b"1" + b"}" * 2000, '{"data": {"data": '),
        (b'{"data": {"cname": "lobby", "uids": [' + b"7" * 5000 + b"]}}", '{"data": {"cname": "lobby"'),
        (b'{"message": "accepted"}', "accepted"),
    ],
)
def test_a_success_without_a_channel_is_unexpected(name: str, body: bytes, message: str) -> None:
    assert unexpected(name, http_response(200, body)).startswith(
        f"HTTP 200, but the body has no channel: {message}"
    )


@EVERY_CALL
@pytest.mark.parametrize(
    ("response", "fault"),
    [
        (http_response(200, EXAMPLE + b" " * MAX_BODY_BYTES), "the body is larger than 32768 bytes"),
        (
            http_response(200, gzip.compress(EXAMPLE + b" " * MAX_BODY_BYTES), Content_Encoding="gzip"),
            "the body is larger than 32768 bytes when decompressed",
        ),
        (
            http_response(200, gzip.compress(EXAMPLE)[:-1], Content_Encoding="gzip"),
            "the compressed body is truncated",
        ),
        (http_response(200, EXAMPLE, Content_Encoding="gzip"), "the compressed body cannot be read ("),
        (
            http_response(200, EXAMPLE, Content_Encoding="br"),
            "the body is encoded as 'br', which was not requested",
        ),
        (http_response(206, EXAMPLE), "the body is partial content, which was not requested"),
    ],
    ids=["too large", "bomb", "truncated", "not compressed", "another encoding", "partial"],
)
def test_an_incomplete_body_is_not_decoded(name: str, response: bytes, fault: str) -> None:
    assert f"but the body has no channel: {fault}" in unexpected(name, response)


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    ("name", "code", "kind"),
    [
        *((name, 400, RequestInvalid) for name in CHANNEL_CALLS),
        *((name, 401, ChannelKeyRefused) for name in CHANNEL_CALLS),
        *((name, 404, ChannelNotFound) for name in CHANNEL_CALLS),
        *((name, 409, ChannelConflict) for name in CHANNEL_CALLS),
        *((name, 429, RateLimited) for name in CHANNEL_CALLS),
        *((name, 418, UnexpectedResponse) for name in CHANNEL_CALLS),
        ("start", 500, OutcomeUnknown),
        ("start", 599, OutcomeUnknown),
        ("update", 500, VendorUnavailable),
        ("stop", 599, VendorUnavailable),
    ],
)
def test_an_error_in_a_2xx_is_classified_by_its_code(
    status: int, name: str, code: int, kind: type[VendorError]
) -> None:
    body = json.dumps({"error": {"code": code, "message": "words of the vendor"}}).encode()
    with pytest.raises(VendorError) as refused:
        decoded(name, http_response(status, body))
    assert type(refused.value) is kind
    assert str(refused.value).startswith(f"{ABOUT}HTTP {code} from the vendor: words of the vendor. ")
    assert refused.value.answer is not None
    assert refused.value.answer.status == status


@EVERY_CALL
@pytest.mark.parametrize("code", ["404", 404.0, True, None, 0, 200, 299, 600, -404, [404], 10**30], ids=str)
def test_an_error_in_a_2xx_with_an_invalid_code_is_unexpected(name: str, code: Any) -> None:
    body = json.dumps({"error": {"code": code, "message": "words of the vendor"}}).encode()
    assert unexpected(name, http_response(200, body)).startswith(
        "HTTP 200, but the body has no channel: words of the vendor. "
    )


@EVERY_CALL
@pytest.mark.parametrize("error", [b'{"error": "no"}', b'{"error": {"message": "no"}}', b'{"error": null}'])
def test_an_error_in_a_2xx_without_a_code_is_unexpected(name: str, error: bytes) -> None:
    assert unexpected(name, http_response(200, error)).startswith("HTTP 200, but the body has no channel: ")


def test_a_channel_converts_to_plain_values() -> None:
    assert EXAMPLE_CHANNEL.to_json() == json.loads(EXAMPLE)["data"]
