"""Report apps that were removed from the configuration. Many removed apps are a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agora.dag_support.batches import Batch
from agora.errors import AppsRemoved
from agora.text import format_count

if TYPE_CHECKING:
    from datetime import datetime

    from agora.warehouse.apps import RemovedApps

REMOVED_APPS_KEY = "removed_apps"
MOST_NAMED = 20


def are_many(removed: RemovedApps) -> bool:
    """Return whether more than a fifth of the apps were removed at once, which is rarely intended."""
    return 5 * len(removed.apps) > removed.before


def failing_batch(removed: RemovedApps, planned_at: datetime) -> Batch:
    """Return a batch without app-days. Its task fails and lists the removed apps.

    All other batches are collected and published.
    """
    headline, _, names = note(removed).partition("\n")
    reason = AppsRemoved(f"{headline} If you removed them on purpose, do nothing: the next run succeeds.")
    label = "Apps removed from agora_apps"
    return Batch(
        "",
        label,
        {},
        planned_at.isoformat(),
        unusable=f"{reason}\n{names}",
        unusable_by=reason.cause.kind,
    )


def note(removed: RemovedApps) -> str:
    """Return a sentence and a line with the apps' names, or an empty string if no app was removed."""
    if not removed.apps:
        return ""
    names = [name for _, name in removed.apps[:MOST_NAMED]]
    if len(removed.apps) > MOST_NAMED:
        names.append(f"and {len(removed.apps) - MOST_NAMED:,} more, see mart.app")
    return (
        f"{len(removed.apps):,} of {format_count(removed.before, 'app')} were removed from the variable"
        f" agora_apps. {'Its' if len(removed.apps) == 1 else 'Their'} days from today on are no"
        " longer expected."
        f"\n- Removed: {', '.join(names)}."
    )
