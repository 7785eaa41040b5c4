"""The OpenAPI document: complete, valid, and in agreement with the responses."""

from __future__ import annotations

import json
from datetime import date

import jsonschema

from sandbox.config import Config
from sandbox.credentials import Credentials
from sandbox.http.server import Sandbox
from sandbox.openapi.components import EXAMPLE_APP_ID
from sandbox.openapi.document import describe
from tests.sandbox.push_stream.channel_requests import push
from tests.support.sandbox_server import RunningSandbox

DAY = date(2026, 11, 20)
DOCUMENT = describe()


def test_the_document_lists_every_route() -> None:
    sandbox = Sandbox(Config(credentials=Credentials("a", "b"), apps=1))
    served = {
        (route.resource.canonical, route.method.lower())
        for route in sandbox.application().router.routes()
        if route.resource is not None
    }
    assert served == {(path, method) for path, methods in DOCUMENT["paths"].items() for method in methods}


def test_the_document_is_valid_and_agrees_with_the_responses(sandbox: RunningSandbox) -> None:
    assert sandbox.request("GET", "/openapi.json").json() == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1")
    operations = [o for methods in DOCUMENT["paths"].values() for o in methods.values()]
    assert len({o["operationId"] for o in operations}) == len(operations)
    assert {tag for o in operations for tag in o["tags"]} == {tag["name"] for tag in DOCUMENT["tags"]}
    bandwidth = DOCUMENT["paths"]["/dev/v2/apps/{app_id}/usages/bandwidth"]["get"]
    assert set(bandwidth["responses"]) == {"200", "400", "401", "404", "429", "500"}
    push(sandbox, "POST")
    for name, body in [
        ("Bandwidth", sandbox.fetch(sandbox.app_ids[0], DAY).json()),
        ("Bandwidth", bandwidth["responses"]["200"]["content"]["application/json"]["example"]),
        ("Failure", sandbox.fetch("unknown", DAY).json()),
        ("App", sandbox.control("GET", "apps")[0]),
        ("Stats", sandbox.stats()),
        ("Channels", sandbox.channels()),
    ]:
        schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
        jsonschema.validate(body, schema, jsonschema.Draft202012Validator)


def test_the_control_examples_work(sandbox: RunningSandbox) -> None:
    for path, methods in DOCUMENT["paths"].items():
        if path.startswith("/_sandbox/") and "put" in methods:
            example = json.dumps(methods["put"]["requestBody"]["content"]["application/json"]["example"])
            body = json.loads(example.replace(EXAMPLE_APP_ID, sandbox.app_ids[0]))
            sandbox.control("PUT", path.removeprefix("/_sandbox/"), body)
