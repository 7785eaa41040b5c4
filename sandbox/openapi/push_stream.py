"""The description of the push-stream API: start, update and stop a channel."""

from __future__ import annotations

from typing import Any

from sandbox.openapi.parts import TEXT, answer, body, json_object, ref
from sandbox.push_stream import CHANNEL_PATH, WORDS

TAG = {
    "name": "Vendor's push-stream API",
    "description": "Imitates the vendor; nothing is pushed anywhere. No Basic credentials: every call "
    "carries a Channel Key. The vendor's limits are not known, so these calls count against none, and the "
    "open state is not looked at. Another method answers 405, another path 404.",
}

_CHECKS = (
    "Checked in this order: form of the body (400), key (401), channel ({}). A field that the call does not "
    "have is refused, too; the vendor may do otherwise."
)
_START = (
    "Starts pushing a channel. Nobody is in it as yet, so uids is empty until an update names them. "
    + _CHECKS.format("409")
)
_UPDATE = "Replaces the addresses or the order of the hosts; what is left out stays. " + _CHECKS.format("404")
_STOP = "Stops pushing a channel. " + _CHECKS.format("404")
_MEANINGS = {
    400: "The body is not of the call's form. The vendor has further sentences for it; this one has none.",
    401: "The Channel Key is not good for this channel now. /_sandbox/channels and the log say why.",
    404: "The app of the key pushes no channel of this name.",
    409: "The app of the key pushes this channel already. The document gives no body for it.",
    500: "The server failed; the sandbox answers this where a fault says so.",
}

_CNAME, _KEY = "lobby", "004…"
_URLS = ["rtmp://agora.io/stream1", "rtmp://agora.io/stream2"]
_UIDS = [6496936, 6285261]


def paths() -> dict[str, Any]:
    """Describes the calls."""
    said = {"cname": _CNAME, "channelkey": _KEY}
    started = {"data": {"cname": _CNAME, "uids": [], "urls": _URLS}}
    updated = {"data": {"cname": _CNAME, "uids": _UIDS, "urls": _URLS}}
    stopped = {"data": {"cname": _CNAME}}
    return {
        CHANNEL_PATH: {
            "post": _call(
                "start_channel",
                "Start pushing a channel",
                _START,
                answer("It is being pushed.", ref("Channel"), started),
                409,
            )
            | {"requestBody": body(ref("StartChannel"), said | {"urls": _URLS})},
            "put": _call(
                "update_channel",
                "Change a channel's addresses or hosts",
                _UPDATE,
                answer("It is changed.", ref("Channel"), updated),
                404,
            )
            | {"requestBody": body(ref("UpdateChannel"), said | {"uids": _UIDS, "urls": _URLS})},
            "delete": _call(
                "stop_channel",
                "Stop pushing a channel",
                _STOP,
                answer("It is stopped.", ref("StoppedChannel"), stopped),
                404,
            )
            | {"requestBody": body(ref("StopChannel"), said)},
        }
    }


def schemas() -> dict[str, Any]:
    """Describes what the calls take and answer."""
    cname = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[ -~]*$"}
    key = {"type": "string", "description": "A Channel Key of version 004 for this channel, with uid 0."}
    always = {"cname": cname, "channelkey": key}
    urls = {"urls": {"type": "array", "items": {"type": "string", "pattern": "^rtmps?://[!-~]+$"}}}
    uid = {"type": "integer", "minimum": 1, "maximum": 2**32 - 1}
    uids = {"uids": {"type": "array", "items": uid, "description": "The hosts in their order."}}
    code = {"type": "integer"}
    return {
        "StartChannel": json_object(always | urls, required=list(always)),
        "UpdateChannel": json_object(always | uids | urls, required=list(always)),
        "StopChannel": json_object(always),
        "Channel": json_object({"data": json_object({"cname": cname} | uids | urls)}),
        "StoppedChannel": json_object({"data": json_object({"cname": cname})}),
        "ChannelFailure": json_object({"error": json_object({"code": code, "message": TEXT})}),
    }


def _call(name: str, summary: str, about: str, success: dict[str, Any], refusal: int) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": [TAG["name"]],
        "summary": summary,
        "description": about,
        "security": [],
        "responses": {
            "200": success,
            **{str(status): _failure(status) for status in (400, 401, refusal, 500)},
        },
    }


def _failure(status: int) -> dict[str, Any]:
    message = WORDS.get(status, f"A scripted fault returned HTTP {status}.")
    example = {"error": {"code": status, "message": message}}
    return answer(_MEANINGS[status], ref("ChannelFailure"), example)
