"""What the description promises, asked for by Schemathesis: statuses, schemas, and what is to be refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import positive_data_acceptance, unsupported_method

from sandbox.openapi.document import describe
from tests.sandbox.pushing import good_key
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
        assert sandbox.request("GET", "/openapi.json").json() == describe()
        yield sandbox


@pytest.fixture(scope="module")
def controlled() -> Iterator[RunningSandbox]:
    """Yield one whose clock, credentials and faults may become anything."""
    with running_sandbox(quiet=True, customer_id=CUSTOMER, customer_certificate=CERTIFICATE) as sandbox:
        yield sandbox


def is_sound(case: Case, location: ParameterLocation) -> bool:
    """Tell whether a part of the call is meant to be as described."""
    component = case.meta.components.get(location) if case.meta is not None else None
    return component is not None and component.mode.is_positive


@DASHBOARD.parametrize()
def test_the_dashboard_api_is_as_described(case: Case, vendor: RunningSandbox) -> None:
    # No schema can say which apps and days there are.
    if is_sound(case, ParameterLocation.PATH):
        case.path_parameters["app_id"] = vendor.app_ids[0]
    if is_sound(case, ParameterLocation.QUERY) and "date" in case.query:
        case.query["date"] = f"{vendor.today() - timedelta(days=1):%Y%m%d}"
    # The vendor's document calls another method a wrong API call, 404 and not 405.
    case.call_and_validate(base_url=vendor.root_url, excluded_checks=[unsupported_method])


@PUSH_STREAM.parametrize()
def test_the_push_stream_api_is_as_described(case: Case, vendor: RunningSandbox) -> None:
    if is_sound(case, ParameterLocation.BODY):
        body: Any = case.body
        body["channelkey"] = good_key(vendor, body["cname"])
        if "uids" in body:
            # To JSON Schema 1.0 is a whole number; to the sandbox it is none.
            body["uids"] = [int(uid) for uid in body["uids"]]
    case.call_and_validate(base_url=vendor.root_url)


@OWN.parametrize()
def test_the_sandboxs_own_calls_are_as_described(case: Case, controlled: RunningSandbox) -> None:
    # Faults and open states name apps of the account, which no schema can say.
    case.call_and_validate(base_url=controlled.root_url, excluded_checks=[positive_data_acceptance])
