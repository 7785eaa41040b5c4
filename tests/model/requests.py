"""Checks which app-days a run requested, and the number of its requests (rule 8)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from tests.model.check import Violation
from tests.model.rules import PATIENCE_NIGHTS, PROBES, REFUSED_APPS, counted, shows_useless
from tests.model.vendor import Call

if TYPE_CHECKING:
    from tests.model.world import World

AppDay = tuple[str, date]

REQUESTS_OF_WRONG_CREDENTIALS = 10


@dataclass(frozen=True)
class Requested:
    """The app-days that a run requested from one account, and those that it had to request.

    Attributes:
        call: The requests.
        due: App-days that are not complete.
        rechecks: App-days that are complete and have settled.
        batches: Number of batches into which the run's work was divided.
        is_nightly: Whether the run is not restricted to chosen days.
    """

    call: Call
    due: set[AppDay]
    rechecks: set[AppDay]
    batches: int
    is_nightly: bool


def check_requests(world: World, run: Requested) -> None:
    """Check a finished run.

    Raises:
        Violation: An app-day was left out, or requests were wasted.
    """
    _check_left_out(world, run)
    _check_wasted(world, run)


def _check_left_out(world: World, run: Requested) -> None:
    call = run.call
    requested = {response.key for response in call.sent}
    is_stopped = call.limited or call.all_refused
    healthy = run.is_nightly and world.vendor.is_healthy(call.run, call.conn_id)
    for key in sorted(run.due | run.rechecks):
        if key in requested:
            world.skipped.pop(key, None)
            continue
        if not is_stopped and not shows_useless(key, call.sent, world.concurrency):
            raise Violation(f"due, but not requested, and no response shows why, {_shown(call)}", key)
        if healthy and world.vendor.verdict(call.run, call.conn_id, *key).is_sound:
            world.skipped[key] += 1
            if world.skipped[key] >= PATIENCE_NIGHTS:
                raise Violation(f"available, but skipped in {PATIENCE_NIGHTS} healthy nights", key)


def _check_wasted(world: World, run: Requested) -> None:
    call, vendor, batches = run.call, world.vendor, run.batches
    planned = run.due | run.rechecks
    refused = [response for response in call.sent if response.status in (401, 403)]
    # Small batches with few apps confirm the refusal again. A storm hides it from the first requests.
    most = REQUESTS_OF_WRONG_CREDENTIALS + REFUSED_APPS * (max(0, batches - 1) + call.repeats)
    is_certain = vendor.refuses_credentials(call.run, call.conn_id) and not vendor.storm(
        call.run, call.conn_id
    )
    if is_certain and len(refused) > most:
        raise Violation(f"{len(refused)} requests with wrong credentials, {_shown(call)}")
    unplanned = len([response for response in call.sent if response.key not in planned])
    if unplanned > REFUSED_APPS * (1 + batches + call.repeats):
        raise Violation(f"{unplanned} requests for days that are neither due nor due for a re-check")
    _check_hopeless(world, call, planned, batches)


def _check_hopeless(world: World, call: Call, planned: set[AppDay], batches: int) -> None:
    by_date: defaultdict[date, list[AppDay]] = defaultdict(list)
    for key in planned:
        by_date[key[1]].append(key)
    hopeless = {
        usage_date
        for usage_date, keys in by_date.items()
        if all(world.vendor.verdict(call.run, call.conn_id, *key).by_window for key in keys)
    }
    requests = sum(response.usage_date in hopeless for response in call.sent)
    most = PROBES * (len(hopeless) + batches) + (len(world.app_ids) + REFUSED_APPS) * (1 + batches)
    if requests > most * (1 + call.repeats):
        raise Violation(
            f"{requests} requests for {len(hopeless)} dates that are out of every window, {_shown(call)}"
        )


def _shown(call: Call) -> str:
    """Return a short description of an account's requests in one run."""
    return f"{call.conn_id}: " + ", ".join(
        f"{sent.app_id} {sent.usage_date:%m-%d} {sent.status} {counted(sent.points)}" for sent in call.sent
    )
