"""The OpenAPI description of the push-stream API."""

from __future__ import annotations

from typing import Any

from sandbox.openapi.components import TEXT, json_object, ref, request_body, response
from sandbox.push_stream.api import CHANNEL_PATH, MESSAGES

TAG = {
    "name": "Vendor's push-stream API",
    "description": "Imitates the vendor, but pushes no streams. Every request carries a Channel Key instead "
    "of HTTP Basic credentials. The vendor's limits are unknown, so these requests count against no limit. "
    "The open state has no effect. Any other method returns 405, and any other path returns 404.",
}

_CHECKS = (
    "The checks run in this order: format of the body (400), Channel Key (401), channel ({}). A body with an "
    "unknown field gets a 400. The vendor may accept such a body."
)
_START = "Starts a channel, which has no hosts until an update names them. " + _CHECKS.format("409")
_UPDATE = "Replaces the stream URLs or the order of the hosts. Absent fields keep their values. " + (
    _CHECKS.format("404")
)
_STOP = "Stops a channel. " + _CHECKS.format("404")
_MEANINGS = {
    400: "The body is malformed. The vendor also sends other messages. The sandbox sends only this message.",
    401: "The Channel Key is not valid for this channel at this time. /_sandbox/channels gives the reason.",
    404: "The Channel Key's app has no active channel with this name.",
    409: "The Channel Key's app already has an active channel with this name. The vendor's documentation "
    "does not show this body.",
    500: "The server failed. The sandbox returns this status only because of a scripted fault.",
}

_CNAME, _KEY = "lobby", "004…"
_URLS = ["rtmp://agora.io/stream1", "rtmp://agora.io/stream2"]
_UIDS = [6496936, 6285261]


def paths() -> dict[str, Any]:
    """Return the path with its operations."""
    body = {"cname": _CNAME, "channelkey": _KEY}
    started = response(
        "The channel is active.", ref("Channel"), {"data": {"cname": _CNAME, "uids": [], "urls": _URLS}}
    )
    updated = response(
        "The channel is updated.",
        ref("Channel"),
        {"data": {"cname": _CNAME, "uids": _UIDS, "urls": _URLS}},
    )
    stopped = response("The channel has been stopped.", ref("StoppedChannel"), {"data": {"cname": _CNAME}})
    start_body = request_body(ref("StartChannel"), body | {"urls": _URLS})
    update_body = request_body(ref("UpdateChannel"), body | {"uids": _UIDS, "urls": _URLS})
    stop_body = request_body(ref("StopChannel"), body)
    return {
        CHANNEL_PATH: {
            "post": _operation("start_channel", "Start a channel", _START, start_body, started, 409),
            "put": _operation(
                "update_channel",
                "Replace a channel's stream URLs or hosts",
                _UPDATE,
                update_body,
                updated,
                404,
            ),
            "delete": _operation("stop_channel", "Stop a channel", _STOP, stop_body, stopped, 404),
        }
    }


def schemas() -> dict[str, Any]:
    """Return the schemas for the request and response bodies."""
    cname = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[ -~]*$"}
    key = {"type": "string", "description": "A version 004 Channel Key for this channel, with uid 0."}
    always = {"cname": cname, "channelkey": key}
    urls = {"urls": {"type": "array", "items": {"type": "string", "pattern": "^rtmps?://[!-~]+$"}}}
    uid = {"type": "integer", "minimum": 1, "maximum": 2**32 - 1}
    uids = {"uids": {"type": "array", "items": uid, "description": "The hosts, in order."}}
    code = {"type": "integer"}
    return {
        "StartChannel": json_object(always | urls, required=list(always)),
        "UpdateChannel": json_object(always | uids | urls, required=list(always)),
        "StopChannel": json_object(always),
        "Channel": json_object({"data": json_object({"cname": cname} | uids | urls)}),
        "StoppedChannel": json_object({"data": json_object({"cname": cname})}),
        "ChannelFailure": json_object({"error": json_object({"code": code, "message": TEXT})}),
    }


def _operation(
    name: str, summary: str, about: str, body: dict[str, Any], success: dict[str, Any], refusal: int
) -> dict[str, Any]:
    return {
        "operationId": name,
        "tags": [TAG["name"]],
        "summary": summary,
        "description": about,
        "security": [],
        "requestBody": body,
        "responses": {
            "200": success,
            **{str(status): _error(status) for status in (400, 401, refusal, 500)},
        },
    }


def _error(status: int) -> dict[str, Any]:
    message = MESSAGES.get(status, f"A scripted fault returned HTTP {status}.")
    example = {"error": {"code": status, "message": message}}
    return response(_MEANINGS[status], ref("ChannelFailure"), example)
