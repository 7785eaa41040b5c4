"""Apps that left the configuration: named in the run's note, and a failure if they are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agora.dag_support.batches import Batch
from agora.errors import AppsRemoved
from agora.text import format_count

if TYPE_CHECKING:
    from datetime import datetime

    from agora.warehouse.apps import RemovedApps

GONE_KEY = "gone"
MOST_NAMED = 20


def are_many(gone: RemovedApps) -> bool:
    """Return whether more than a fifth of the apps left at a time, which is rarely done on purpose."""
    return 5 * len(gone.apps) > gone.before


def failing_batch(gone: RemovedApps, planned_at: datetime) -> Batch:
    """Return a batch without app-days whose task fails and names the apps.

    The run collects and publishes everything else.
    """
    headline, _, names = note(gone).partition("\n")
    reason = AppsRemoved(f"{headline} If you removed them on purpose, do nothing: the next run succeeds.")
    label = "Apps gone from agora_apps"
    return Batch("", label, {}, planned_at.isoformat(), unusable=f"{reason}\n{names}")


def note(gone: RemovedApps) -> str:
    """Return a sentence, and a line that names the apps; an empty text if there are none."""
    if not gone.apps:
        return ""
    names = [name for _, name in gone.apps[:MOST_NAMED]]
    if len(gone.apps) > MOST_NAMED:
        names.append(f"and {len(gone.apps) - MOST_NAMED:,} more, see mart.app")
    return (
        f"{len(gone.apps):,} of {format_count(gone.before, 'app')} left the variable agora_apps."
        f" {'Its' if len(gone.apps) == 1 else 'Their'} days from today on are no longer expected."
        f"\n- Removed: {', '.join(names)}."
    )
