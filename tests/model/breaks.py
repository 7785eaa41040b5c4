"""Deliberate breaks of the rules, each of which the model must find."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest.mock import patch

from agora.bandwidth import access_check, replay, window
from agora.warehouse import app_days, apps, merge_app_days, planning_queries
from agora.warehouse.migrations.schema_version import SQL
from tests.model.vendor import Scenario
from tests.warehouse.database import Warehouse

Patch = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Break:
    """One break of the product.

    Attributes:
        name: What is broken.
        behaviours: Behaviours of the vendor and the installation that expose the break.
        patches: Patches of Python objects.
        view: File of the view to change, a text in the view, and its replacement.
        window: Window of the accounts.
    """

    name: str
    behaviours: tuple[str, ...]
    patches: tuple[Patch, ...] = ()
    view: tuple[str, str, str] | None = None
    window: str = "7 days"

    def scenario(self, seed: int) -> Scenario:
        """Return a scenario in which the break shows."""
        return Scenario(seed, nights=60, apps=5, window=self.window, behaviours=frozenset(self.behaviours))

    @contextmanager
    def broken(self, warehouse: Warehouse) -> Any:
        """Break the product within a `with` block, and this warehouse permanently."""
        if self.view:
            file, text, other = self.view
            statement = (SQL / "views" / file).read_text()
            with warehouse.connect() as connection, connection.cursor() as cursor:
                cursor.execute(replaced(statement, text, other))
        with ExitStack() as stack:
            for one in self.patches:
                stack.enter_context(one())
            yield


def replaced(statement: str, text: str, other: str) -> str:
    """Replace a part of a statement, which must contain it."""
    if text not in statement:
        raise LookupError(f"no longer part of the product, so nothing would be broken: {text}")
    return statement.replace(text, other)


def sets(target: Any, name: str, value: Any) -> Patch:
    """Return a patch that sets an attribute."""
    return partial(patch.object, target, name, value)


def edits(target: Any, name: str, text: str, other: str) -> Patch:
    """Return a patch that replaces a part of a statement."""
    return lambda: patch.object(target, name, replaced(getattr(target, name), text, other))


def _no_rechecks(*_: Any, **__: Any) -> planning_queries.Found:
    return planning_queries.Found([], 0)


def _replay_in_present_zone(*arguments: Any, **named: Any) -> Any:
    return replay.replay(*arguments, **{**named, "correct_zone": True})


_NEWER = "excluded.collected_at > stored.verified_at"
_MORE = "excluded.points > stored.points"
_EXPECTED_VIEW = "10_core_app_day_state.sql"

BREAKS = (
    Break(
        "a day is lost one day early",
        ("windows", "missed nights", "storms", "malformed"),
        view=("04_mart_dates.sql", "window_length) + 3", "window_length) + 2"),
    ),
    Break(
        "no margin of two days",
        ("windows", "missed nights", "storms", "malformed", "statuses"),
        (sets(window, "MARGIN_DAYS", 0),),
    ),
    Break(
        "an older response replaces a newer one",
        ("restatements", "partial", "zeros", "outages", "late loads"),
        (edits(merge_app_days, "LOAD", _NEWER, "true"),),
    ),
    Break(
        "a response that lacks points removes them",
        ("lacking", "restatements", "zeros"),
        (edits(merge_app_days, "LOAD", _MORE, "excluded.points <> stored.points"),),
    ),
    Break(
        "a 401 stops the account",
        ("foreign", "statuses"),
        (sets(access_check, "CONFIRMING_APPS", 1), sets(access_check, "REFUSALS_OF_AN_ACCOUNT", 1)),
    ),
    Break(
        "a 400 decides for good",
        ("windows", "statuses", "late data"),
        (
            edits(
                planning_queries,
                "MISSING",
                "and app_day.state <> 'lost'",
                "and app_day.state <> 'lost' and app_day.http_status is distinct from 400",
            ),
        ),
    ),
    Break(
        "attempts are not counted",
        ("partial", "malformed"),
        (edits(merge_app_days, "LOAD", "stored.attempts + excluded.attempts", "stored.attempts"),),
    ),
    Break(
        "days before the app was first seen are expected",
        ("membership",),
        (edits(apps, "SYNC_APP", "::date - configured.window_length)", "::date - interval '20 days')"),),
    ),
    Break(
        "the zone follows the app's account",
        ("moves", "replays"),
        (
            edits(app_days, "STORED", "coalesce(app_day.collected_by, app_day.conn_id)", "app_day.conn_id"),
            lambda: patch("tests.model.world.replay", partial(_replay_in_present_zone)),
        ),
    ),
    Break(
        "a partial day counts as complete",
        ("partial",),
        view=(
            _EXPECTED_VIEW,
            "app_day.state = 'collected' as is_complete",
            "app_day.state in ('collected', 'partial') as is_complete",
        ),
    ),
    Break(
        "settled days are not requested again",
        ("zeros", "restatements"),
        (sets(planning_queries, "rechecks", _no_rechecks),),
        window="14 days",
    ),
    Break(
        "a restatement leaves no trace",
        ("restatements", "zeros"),
        (edits(merge_app_days, "LOAD", "where written.old_kbps is not null", "where false"),),
        window="14 days",
    ),
    Break(
        "every day of a 401 is requested",
        ("credentials",),
        (sets(access_check, "REFUSALS_OF_AN_APP", 1000), sets(access_check, "REFUSALS_OF_AN_ACCOUNT", 1000)),
    ),
    Break(
        "a month is final when its expected days are there",
        ("membership",),
        view=(
            "12_core_app_month.sql",
            "when app.configured_dates @> calendar.days then 'part of the month'",
            "when app.configured_dates @> calendar.days then 'final'",
        ),
    ),
)
