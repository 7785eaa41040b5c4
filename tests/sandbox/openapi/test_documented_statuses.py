"""Every documented status of every operation occurs, and its body has the documented schema."""

from __future__ import annotations

import json

import jsonschema
import pytest

from sandbox.openapi.components import EXAMPLE_APP_ID
from sandbox.openapi.document import describe
from tests.sandbox.push_stream.channel_requests import CNAME, push, send
from tests.support.sandbox_server import Reply, RunningSandbox

DOCUMENT = describe()
DOCUMENTED = [
    pytest.param(path, method.upper(), int(status), id=f"{operation['operationId']}-{status}")
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    for status in operation["responses"]
]


def provoke_dashboard(sandbox: RunningSandbox, path: str, method: str, status: int) -> Reply:
    endpoint = "bandwidth" if path.endswith("bandwidth") else "open_state"
    headers = {} if status == 401 else {"Authorization": sandbox.authorization}
    app_id = "unknown" if status == 404 else sandbox.app_ids[0]
    url = path.format(app_id=app_id) + ("?date=x" if status == 400 else "")
    if status == 429:
        sandbox.put_rate_limit(0.001)
        sandbox.fetch(sandbox.app_ids[0])
    if status == 500:
        sandbox.put_faults([{"call": endpoint, "kind": "status", "status": 500}])
    return sandbox.request(method, url, headers, b"{" if status == 400 else None)


def provoke_push_stream(sandbox: RunningSandbox, method: str, status: int) -> Reply:
    if status in (400, 401):
        return send(sandbox, method, {"channelkey": "x"} | ({} if status == 400 else {"cname": CNAME}))
    if (method == "POST") == (status == 409):
        push(sandbox, "POST")
    if status == 404:
        push(sandbox, "DELETE")
    if status == 500:
        sandbox.put_faults([{"call": "channel", "kind": "status", "status": 500}])
    return push(sandbox, method)


def provoke_own(sandbox: RunningSandbox, path: str, method: str, status: int) -> Reply:
    body_schema = DOCUMENT["paths"][path][method.lower()].get("requestBody")
    body = None
    if body_schema is not None:
        example = json.dumps(body_schema["content"]["application/json"]["example"])
        body = example.replace(EXAMPLE_APP_ID, sandbox.app_ids[0]).encode()[: None if status == 200 else 1]
    headers = {} if status == 401 else {"Authorization": sandbox.authorization}
    return sandbox.request(method, path, headers, body)


@pytest.mark.parametrize(("path", "method", "status"), DOCUMENTED)
def test_every_documented_status_occurs(sandbox: RunningSandbox, path: str, method: str, status: int) -> None:
    if path.startswith("/dev/"):
        reply = provoke_dashboard(sandbox, path, method, status)
    elif path.startswith("/api/"):
        reply = provoke_push_stream(sandbox, method, status)
    else:
        reply = provoke_own(sandbox, path, method, status)
    assert reply.status == status
    content = DOCUMENT["paths"][path][method.lower()]["responses"][str(status)]["content"]
    media_type = reply.headers["content-type"].partition(";")[0]
    body = reply.json() if media_type == "application/json" else reply.body.decode()
    schema = content[media_type]["schema"] | {"components": DOCUMENT["components"]}
    jsonschema.validate(body, schema, jsonschema.Draft202012Validator)
