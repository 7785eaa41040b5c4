"""The script of faults as it stands in JSON, read and checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, fields
from datetime import date
from typing import Any

from sandbox.catalogue import App
from sandbox.fault import Fault, FaultError, demand, is_int, name_of
from sandbox.fault_kinds import KINDS
from sandbox.faults import Call, FaultScript, ScriptedFault
from sandbox.points_faults import PointsFault

METHODS = ("GET", "POST", "PUT", "DELETE")


def read_script(entries: object, apps: Sequence[App]) -> FaultScript:
    """Reads a list of faults as it stands in JSON.

    Args:
        entries: A list of objects. Each has a `kind` and its fields, and says which calls it meets: `call`
            ("bandwidth", which it is without it, "open_state" or "channel"), `method` (such as "POST";
            without it every one), `app_id` or `app` (an index; without either every app), `usage_date`
            ("2026-11-01"; without it every day), `times` (without it for ever) and `per` ("script", or
            "app_day" to count each app and day apart). Days and their points are the bandwidth call's alone.
        apps: The account's apps.

    Raises:
        FaultError: An entry is not of this form; the sentence says which and why.
    """
    if not isinstance(entries, list):
        raise FaultError("Faults are a list of objects.")
    script = []
    for number, entry in enumerate(entries):
        try:
            script.append(_read_entry(entry, apps))
        except FaultError as problem:
            raise FaultError(f"Fault {number}: {problem}.") from problem
    return FaultScript(script)


def _read_entry(entry: object, apps: Sequence[App]) -> ScriptedFault:
    demand(isinstance(entry, dict), "it is not an object")
    rest = dict(entry)  # type: ignore[call-overload]
    kind = KINDS.get(kind_name) if isinstance(kind_name := rest.pop("kind", None), str) else None
    if kind is None:
        raise FaultError(f"kind is one of {', '.join(KINDS)}")
    call = _read_call(rest, kind)
    method = rest.pop("method", None)
    demand(method in (None, *METHODS), f"method is one of {', '.join(METHODS)}")
    app_id = _read_app(rest, apps)
    usage_date = _read_date(rest.pop("usage_date", None))
    times = rest.pop("times", None)
    demand(times is None or (is_int(times) and times >= 0), "times is a whole number, zero or above")
    per = rest.pop("per", "script")
    demand(per in ("script", "app_day"), 'per is "script" or "app_day"')
    return ScriptedFault(_read_fault(kind, rest), call, method, app_id, usage_date, times, per)


def _read_call(rest: dict[str, Any], kind: type[Fault]) -> Call:
    name = rest.pop("call", Call.BANDWIDTH)
    demand(name in list(Call), f"call is one of {', '.join(Call)}")
    call = Call(name)
    if call is not Call.BANDWIDTH:
        demand(not issubclass(kind, PointsFault), f"{kind.kind} changes points, which {call} has none of")
        demand(rest.get("usage_date") is None, f"{call} is about no day, so it has no usage_date")
        demand(rest.get("per") != "app_day", f'{call} is about no day, so per is "script"')
    return call


def _read_fault(kind: type[Fault], given: dict[str, Any]) -> Fault:
    known = {name_of(f): f for f in fields(kind)}
    for name in given:
        demand(name in known, f"{kind.kind} knows no {name!r}")
    for name, f in known.items():
        required = f.default is MISSING and f.default_factory is MISSING
        demand(name in given or not required, f"{kind.kind} needs {name!r}")
    return kind(**{known[name].name: value for name, value in given.items()})


def _read_app(rest: dict[str, Any], apps: Sequence[App]) -> str | None:
    demand(not ("app" in rest and "app_id" in rest), "either app or app_id is given, not both")
    app_id: str | None = rest.pop("app_id", None)
    index = rest.pop("app", None)
    if index is not None:
        demand(is_int(index) and 0 <= index < len(apps), f"app is an index below {len(apps)}")
        return str(apps[index].app_id)
    if app_id is None or any(app.app_id == app_id for app in apps):
        return app_id
    raise FaultError(f"no app has the App ID {app_id!r}")


def _read_date(text: object) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError) as problem:
        raise FaultError(f"usage_date is a date such as 2026-11-01, not {text!r}") from problem
