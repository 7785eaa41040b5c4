"""The open state of each app: whether push-streaming is enabled."""

from __future__ import annotations

from collections.abc import Iterable


class OpenStates:
    """The open states of an account's apps. Every app is closed initially.

    Attributes:
        granted: Whether applications to enable push-streaming are granted immediately. If false, they have no
            effect.
    """

    def __init__(self) -> None:
        self.granted = True
        self._open: set[str] = set()

    def is_open(self, app_id: str) -> bool:
        """Return whether an app is open."""
        return app_id in self._open

    def apply(self, app_id: str) -> bool:
        """Apply to open an app, and return whether the app is now open."""
        if self.granted:
            self._open.add(app_id)
        return self.is_open(app_id)

    def replace(self, open_app_ids: Iterable[str]) -> None:
        """Open these apps and close all others."""
        self._open = set(open_app_ids)
