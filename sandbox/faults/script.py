"""The parser for fault scripts, which are JSON lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from datetime import date
from typing import Any

from sandbox.faults.active import ActiveFaults, ScriptedFault
from sandbox.faults.base import Endpoint, Fault, FaultError, Stage, is_int, is_number, name_of, require
from sandbox.faults.kinds import KINDS
from sandbox.faults.sampling import Sample
from sandbox.traffic.apps import App

METHODS = ("GET", "POST", "PUT", "DELETE")


def read_script(entries: object, apps: Sequence[App], *, seed: int = 0) -> ActiveFaults:
    """Parse a fault script.

    Args:
        entries: A list of objects, decoded from JSON. Each object has a `kind` and that kind's fields. These
            fields select the requests that the fault applies to: `call` ("bandwidth", "open_state" or
            "channel"; default: "bandwidth"), `method` (default: every method), `app_id` or `app` (an index;
            default: every app), `usage_date` ("2026-11-01"; default: every date), `rate` (the share of the
            selected requests, above 0 and at most 1; default: 1), `seed` (selects the random sample), `times`
            (the number of requests that get the fault; default: no limit) and `per` (whether `times` counts
            all requests or the requests per app-day: "script" or "app_day"; default: "script").
        apps: The account's apps.
        seed: The default seed for random samples. Entries without a `seed` get independent samples.

    Raises:
        FaultError: An entry is malformed. The message gives the entry's number and the reason.
    """
    if not isinstance(entries, list):
        raise FaultError("Faults must be a list of objects.")
    script = []
    for number, entry in enumerate(entries):
        try:
            script.append(_read_entry(entry, apps, f"{seed}:{number}"))
        except FaultError as problem:
            raise FaultError(f"Fault {number}: {problem}.") from problem
    return ActiveFaults(script)


def _read_entry(entry: object, apps: Sequence[App], default_seed: str) -> ScriptedFault:
    require(isinstance(entry, dict), "a fault must be an object")
    rest = dict(entry)  # type: ignore[call-overload]
    kind = _read_kind(rest.pop("kind", None))
    scripted = {
        "endpoint": _read_endpoint(rest, kind),
        "method": _read_method(rest.pop("method", None)),
        "app_id": _read_app(rest, kind, apps),
        "usage_date": _read_date(rest.pop("usage_date", None)),
        "times": _read_times(rest.pop("times", None)),
        "per": rest.pop("per", "script"),
        "sample": _read_sample(rest, default_seed),
    }
    require(scripted["per"] in ("script", "app_day"), 'per must be "script" or "app_day"')
    return ScriptedFault(_read_fault(kind, rest).resolved(apps), **scripted)


def _read_kind(name: object) -> type[Fault]:
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise FaultError(f"kind must be one of {', '.join(KINDS)}")
    return kind


def _read_endpoint(rest: dict[str, Any], kind: type[Fault]) -> Endpoint:
    name = rest.pop("call", Endpoint.BANDWIDTH)
    require(name in list(Endpoint), f"call must be one of {', '.join(Endpoint)}")
    endpoint = Endpoint(name)
    applicable = " and ".join(kind.endpoints)
    require(endpoint in kind.endpoints, f"{kind.kind} applies to {applicable}, not to {endpoint}")
    if endpoint is not Endpoint.BANDWIDTH:
        _require_no_day(rest, f"{endpoint} requests have no usage date")
    if kind.stage is Stage.APP_ID:
        _require_no_day(rest, f"{kind.kind} applies before the usage date is read")
    return endpoint


def _require_no_day(rest: dict[str, Any], reason: str) -> None:
    require(rest.get("usage_date") is None, f"{reason}, so usage_date is not allowed")
    require(rest.get("per") != "app_day", f'{reason}, so per must be "script"')


def _read_method(method: Any) -> str | None:
    require(method in (None, *METHODS), f"method must be one of {', '.join(METHODS)}")
    return None if method is None else str(method)


def _read_times(times: Any) -> int | None:
    require(times is None or (is_int(times) and times >= 0), "times must be an integer, zero or above")
    return None if times is None else int(times)


def _read_sample(rest: dict[str, Any], default_seed: str) -> Sample | None:
    rate, seed = rest.pop("rate", None), rest.pop("seed", None)
    require(
        rate is None or (is_number(rate) and 0 < rate <= 1), "rate must be a number above 0 and at most 1"
    )
    require(seed is None or is_int(seed), "seed must be an integer")
    require(seed is None or rate is not None, "seed requires rate")
    return None if rate is None else Sample(rate, default_seed if seed is None else str(seed))


def _read_fault(kind: type[Fault], given: dict[str, Any]) -> Fault:
    known = {name_of(f): f for f in fields(kind)}
    for name in given:
        require(name in known, f"{kind.kind} has no field {name!r}")
    for name, f in known.items():
        required = f.default is MISSING and f.default_factory is MISSING
        require(name in given or not required, f"{kind.kind} requires the field {name!r}")
    return kind(**{known[name].name: value for name, value in given.items()})


def _read_app(rest: dict[str, Any], kind: type[Fault], apps: Sequence[App]) -> str | None:
    require(not ("app" in rest and "app_id" in rest), "app and app_id must not be combined")
    app_id, index = rest.pop("app_id", None), rest.pop("app", None)
    if index is not None:
        require(is_int(index) and 0 <= index < len(apps), f"app must be an index below {len(apps)}")
        return str(apps[index].app_id)
    if kind.stage is Stage.APP_ID:
        require(isinstance(app_id, str) and app_id != "", f"{kind.kind} requires app or app_id")
        return str(app_id)
    known = app_id is None or any(app.app_id == app_id for app in apps)
    require(known, f"app_id {app_id!r} is not an App ID of this account")
    return None if app_id is None else str(app_id)


def _read_date(text: object) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError) as problem:
        raise FaultError(f"usage_date must be a date such as 2026-11-01, not {text!r}") from problem
