"""The open state of push-streaming: responses, checks, and the control endpoints."""

from __future__ import annotations

import pytest

from tests.support.sandbox_server import Reply, RunningSandbox

JSON = {"Content-Type": "application/json"}


def request(
    sandbox: RunningSandbox,
    method: str = "GET",
    app_id: str | None = None,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    path = f"/dev/v2/apps/{app_id or sandbox.app_ids[0]}/pushstream/openstate"
    return sandbox.request(method, path, {"Authorization": sandbox.authorization} | (headers or {}), body)


def test_is_closed_at_first_and_open_after_an_application(sandbox: RunningSandbox) -> None:
    replies = [request(sandbox), request(sandbox, "POST"), request(sandbox), request(sandbox, "POST")]
    assert [reply.status for reply in replies] == [200] * 4
    assert [reply.json() for reply in replies] == [{"enable": state} for state in (False, True, True, True)]
    assert replies[0].headers["content-type"] == "application/json"
    assert request(sandbox, app_id=sandbox.app_ids[1]).json() == {"enable": False}


def test_grants_can_be_switched_off(sandbox: RunningSandbox) -> None:
    request(sandbox, "POST", sandbox.app_ids[1])
    sandbox.put_open_grants(False)
    assert sandbox.health()["open_grants"] is False
    assert request(sandbox, "POST").json() == {"enable": False}
    assert request(sandbox).json() == {"enable": False}
    assert request(sandbox, "POST", sandbox.app_ids[1]).json() == {"enable": True}, "an open app stays open"
    sandbox.put_open_grants(True)
    assert request(sandbox, "POST").json() == {"enable": True}


def test_the_control_endpoint_replaces_all_states(sandbox: RunningSandbox) -> None:
    one, other, third = sandbox.app_ids[:3]
    sandbox.put_open_states({one: True, other: False})
    assert request(sandbox, app_id=one).json() == {"enable": True}
    sandbox.put_open_states({third: True})
    assert sandbox.open_states() == {app_id: app_id == third for app_id in sandbox.app_ids}


@pytest.mark.parametrize("body", [[], "x", {"unknown": True}, {"{known}": 1}, {"{known}": None}])
def test_an_invalid_replacement_changes_nothing(sandbox: RunningSandbox, body: object) -> None:
    one = sandbox.app_ids[0]
    sandbox.put_open_states({one: True})
    if isinstance(body, dict):
        body = {app_id.format(known=one): state for app_id, state in body.items()}
    with pytest.raises(ValueError, match=r"\.$"):
        sandbox.control("PUT", "open-states", body)
    assert sandbox.open_states()[one] is True


@pytest.mark.parametrize(
    "body", [{}, {"granted": 1}, {"granted": "yes"}, {"granted": True, "more": 1}, [True]]
)
def test_grants_must_be_true_or_false(sandbox: RunningSandbox, body: object) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        sandbox.control("PUT", "open-grants", body)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (None, {}),
        (b"", JSON),
        (b"", {"Content-Type": "text/plain"}),
        (b"{}", JSON),
        (b' {"anything": [1, null]} ', {"Content-Type": "application/json; charset=utf-8"}),
    ],
)
def test_accepts_an_empty_body_or_json(
    sandbox: RunningSandbox, body: bytes | None, headers: dict[str, str]
) -> None:
    assert request(sandbox, "POST", body=body, headers=headers).json() == {"enable": True}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{}", {}),
        (b"{}", {"Content-Type": "text/plain"}),
        (b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b"{", JSON),
        (b"[]", JSON),
        (b"null", JSON),
        (b" ", JSON),
        (b"\xff", JSON),
        (b'{"a": 1, "a": 1}', JSON),
        (b'{"a": NaN}', JSON),
        (b'{"a":' * 100_000, JSON),
        (b" " * (2 << 20), JSON),
        (b"{}", JSON | {"Content-Encoding": "gzip"}),
    ],
)
def test_refuses_other_parameters(sandbox: RunningSandbox, body: bytes, headers: dict[str, str]) -> None:
    reply = request(sandbox, "POST", body=body, headers=headers)
    assert reply.status == 400
    assert reply.json()["message"].endswith(".")
    assert request(sandbox).json() == {"enable": False}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_checks_have_the_order_of_the_bandwidth_endpoint(sandbox: RunningSandbox, method: str) -> None:
    def status(authorization: str, app_id: str) -> int:
        return request(sandbox, method, app_id, b"{", {"Authorization": authorization}).status

    known = sandbox.app_ids[0]
    assert status("", known) == 401
    assert status(sandbox.authorization, "unknown") == 404
    assert status(sandbox.authorization, known) == (400 if method == "POST" else 200)
    sandbox.put_rate_limit(0.001)
    assert [status(sandbox.authorization, "unknown") for _ in range(2)] == [404, 429]
    assert status("", known) == 401
    assert sandbox.open_states()[known] is False


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
def test_an_unknown_method_gets_404(sandbox: RunningSandbox, method: str) -> None:
    assert request(sandbox, method).status == 404


def test_is_included_in_the_counts(sandbox: RunningSandbox) -> None:
    request(sandbox)
    request(sandbox, "POST")
    request(sandbox, "POST", body=b"{")
    stats = sandbox.stats()
    assert (stats["requests"], stats["by_status"]) == (3, {"200": 2, "400": 1})
    assert stats["by_app"] == {sandbox.app_ids[0]: {"200": 2, "400": 1}}
    assert stats["usage_dates"] == {}
