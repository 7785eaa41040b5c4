"""Checks which app-days a run requested, and how many requests it spent (rule 8)."""

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
class Asked:
    """What a run requested of one account, and what it had to request.

    Attributes:
        call: The requests.
        due: App-days that are not complete.
        rechecks: App-days that are complete and have settled.
        batches: How many batches the run's work was dealt out in.
        is_nightly: The run is not for days by name.
    """

    call: Call
    due: set[AppDay]
    rechecks: set[AppDay]
    batches: int
    is_nightly: bool


def check_requests(world: World, asked: Asked) -> None:
    """Check a run that came to its end.

    Raises:
        Violation: An app-day was left out, or requests were wasted.
    """
    _check_left_out(world, asked)
    _check_wasted(world, asked)


def _check_left_out(world: World, asked: Asked) -> None:
    call = asked.call
    requested = {response.key for response in call.sent}
    is_stopped = call.limited or call.all_refused
    healthy = asked.is_nightly and world.vendor.is_healthy(call.run, call.conn_id)
    for key in sorted(asked.due | asked.rechecks):
        if key in requested:
            world.skipped.pop(key, None)
            continue
        if not is_stopped and not shows_useless(key, call.sent, world.concurrency):
            raise Violation(f"due, but not requested, and no response shows why, {_shown(call)}", key)
        if healthy and world.vendor.verdict(call.run, call.conn_id, *key).is_sound:
            world.skipped[key] += 1
            if world.skipped[key] >= PATIENCE_NIGHTS:
                raise Violation(f"available, but skipped in {PATIENCE_NIGHTS} healthy nights", key)


def _check_wasted(world: World, asked: Asked) -> None:
    call, vendor, batches = asked.call, world.vendor, asked.batches
    planned = asked.due | asked.rechecks
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
        raise Violation(f"{unplanned} requests for days that are neither due nor to be checked again")
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
    """Return an account's requests of one run in a few words."""
    return f"{call.conn_id}: " + ", ".join(
        f"{sent.app_id} {sent.usage_date:%m-%d} {sent.status} {counted(sent.points)}" for sent in call.sent
    )
