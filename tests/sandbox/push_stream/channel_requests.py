"""Channel requests for tests. Their Channel Keys come from a second, independent implementation."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

import orjson

from tests.sandbox.in_process import InProcessSandbox
from tests.support.sandbox_server import Reply, RunningSandbox

SandboxLike = RunningSandbox | InProcessSandbox

CNAME = "lobby"
URLS = ["rtmp://a.example/1", "rtmps://b.example/2"]


def make_key(
    app_id: str,
    certificate: str,
    channel: str,
    unix_ts: int,
    *,
    uid: int = 0,
    service: str = "ACS",
    random: int = 0xBF6F0A42,
    expired_ts: int = 0,
) -> str:
    """Return a Channel Key of version 004."""
    signed = f"{service}{app_id}{unix_ts:010}{random:08x}{channel}{uid:010}{expired_ts:010}"
    signature = hmac.new(certificate.encode(), signed.encode(), hashlib.sha1).hexdigest()
    return f"004{signature}{app_id}{unix_ts:010}{random:08x}{expired_ts:010}"


def now_ts(sandbox: SandboxLike) -> int:
    return int(datetime.fromisoformat(sandbox.health()["now"]).timestamp())


def valid_key(sandbox: SandboxLike, cname: str = CNAME, *, app: int = 0, **changed: Any) -> str:
    app_id = sandbox.app_ids[app]
    made: dict[str, Any] = {"unix_ts": now_ts(sandbox)} | changed
    return make_key(app_id, sandbox.app_certificate(app_id), cname, **made)


def send(sandbox: SandboxLike, method: str, body: object, headers: dict[str, str] | None = None) -> Reply:
    """Send a channel request with any body. Bytes are sent unchanged."""
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    return sandbox.request(
        method, "/api/v1/channel", {"Content-Type": "application/json"} | (headers or {}), sent
    )


def push(sandbox: SandboxLike, method: str, cname: str = CNAME, *, app: int = 0, **fields: Any) -> Reply:
    """Send a channel request with a valid Channel Key."""
    key = valid_key(sandbox, cname, app=app)
    return send(sandbox, method, {"cname": cname, "channelkey": key, **fields})


def failure(code: int, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


BAD_REQUEST = failure(400, "Invalid request parameter")
UNAUTHORIZED = failure(401, "Unauthorized")
NOT_FOUND = failure(404, "Channel not found")
CONFLICT = failure(409, "Conflicted channel names")
