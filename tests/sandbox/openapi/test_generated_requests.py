"""Requests that Schemathesis generates from the OpenAPI document: statuses, schemas and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import positive_data_acceptance, unsupported_method

from sandbox.openapi.document import describe
from tests.sandbox.push_stream.channel_requests import valid_key
from tests.support.sandbox_server import RunningSandbox, running_sandbox

Case = schemathesis.Case[Any]

CUSTOMER, CERTIFICATE = "customer", "certificate"
SCHEMA = schemathesis.openapi.from_dict(
    describe(),
    config=schemathesis.Config.from_dict(
        {
            "generation": {"max-examples": 80, "deterministic": True, "database": "none"},
            "auth": {"basic": {"username": CUSTOMER, "password": CERTIFICATE}},
        }
    ),
)
DASHBOARD = SCHEMA.include(path_regex="^/dev/")
PUSH_STREAM = SCHEMA.include(path_regex="^/api/")
OWN = SCHEMA.exclude(path_regex="^/(dev|api)/")


@pytest.fixture(scope="module")
def vendor() -> Iterator[RunningSandbox]:
    with running_sandbox(quiet=True, customer_id=CUSTOMER, customer_certificate=CERTIFICATE) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def controlled() -> Iterator[RunningSandbox]:
    """Yield a sandbox whose clock, credentials and faults the tests may change."""
    with running_sandbox(quiet=True, customer_id=CUSTOMER, customer_certificate=CERTIFICATE) as sandbox:
        yield sandbox


def is_sound(case: Case, location: ParameterLocation) -> bool:
    """Return whether a part of the request is meant to be valid."""
    component = case.meta.components.get(location) if case.meta is not None else None
    return component is not None and component.mode.is_positive


@DASHBOARD.parametrize()
def test_the_dashboard_api_agrees(case: Case, vendor: RunningSandbox) -> None:
    # A schema cannot name the existing apps and days.
    if is_sound(case, ParameterLocation.PATH):
        case.path_parameters["app_id"] = vendor.app_ids[0]
    if is_sound(case, ParameterLocation.QUERY) and "date" in case.query:
        case.query["date"] = f"{vendor.today() - timedelta(days=1):%Y%m%d}"
    # In the vendor's document, an unknown method is a wrong API call: 404, not 405.
    case.call_and_validate(base_url=vendor.root_url, excluded_checks=[unsupported_method])


@PUSH_STREAM.parametrize()
def test_the_push_stream_api_agrees(case: Case, vendor: RunningSandbox) -> None:
    if is_sound(case, ParameterLocation.BODY):
        body: Any = case.body
        body["channelkey"] = valid_key(vendor, body["cname"])
        if "uids" in body:
            # In JSON Schema, 1.0 is an integer. In the sandbox, it is not.
            body["uids"] = [int(uid) for uid in body["uids"]]
    case.call_and_validate(base_url=vendor.root_url)


@OWN.parametrize()
def test_the_sandboxs_own_endpoints_agree(case: Case, controlled: RunningSandbox) -> None:
    # Faults and open states name apps of the account, which a schema cannot do.
    case.call_and_validate(base_url=controlled.root_url, excluded_checks=[positive_data_acceptance])
