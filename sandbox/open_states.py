"""Which apps may push streams: the open state of each, and whether an application is granted."""

from __future__ import annotations

from collections.abc import Iterable


class OpenStates:
    """The open states of an account's apps; none is open at first.

    Attributes:
        granted: Whether an application is granted at once, or not at all.
    """

    def __init__(self) -> None:
        self.granted = True
        self._open: set[str] = set()

    def is_open(self, app_id: str) -> bool:
        """Tells an app's state."""
        return app_id in self._open

    def apply(self, app_id: str) -> bool:
        """Applies for an app.

        Returns:
            The state afterwards. An app that is open stays open when an application is not granted.
        """
        if self.granted:
            self._open.add(app_id)
        return self.is_open(app_id)

    def replace(self, open_app_ids: Iterable[str]) -> None:
        """Opens these apps and no others."""
        self._open = set(open_app_ids)
