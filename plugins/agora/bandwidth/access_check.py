"""Tells whether a 401, 403 or 404 is about one app or about the account."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from agora.client.dashboard import CONFIRMING_APPS, credentials_refused
from agora.errors import AppRefused, CredentialsRefused, UnknownApp, VendorError

REFUSALS_OF_AN_APP = 3  # in a row: one 401, 403 or 404 proves nothing
REFUSALS_OF_AN_ACCOUNT = 3  # in a row, of several apps
REFUSALS_OF_A_SERVED_ACCOUNT = 10  # the least, however few requests are under way at once


class AccessCheck:
    """What the responses so far say of the account's credentials and of each app.

    Until a first request has come to anything but a refusal, requests are sent one at a time, so that wrong
    credentials cost a handful of them.

    Args:
        many: So many refusals in a row, of several apps, cast doubt on an account of which an app was served.

    Attributes:
        one_by_one: Whether every request so far was refused.
        one_at_a_time: Held by the request that is under way meanwhile.
    """

    def __init__(self, many: int) -> None:
        self._expected: set[str] = set()
        self._many = max(many, REFUSALS_OF_A_SERVED_ACCOUNT)
        self._refused: list[AppRefused] = []  # in a row
        self._of_app: Counter[str] = Counter()  # in a row
        self._last_of_app: dict[str, VendorError] = {}
        self._is_served = False
        self.one_by_one = True
        self.one_at_a_time = asyncio.Lock()

    @property
    def is_doubtful(self) -> bool:
        """Whether requests were refused, and nothing else came of any."""
        return bool(self._refused) and self.one_by_one

    def expect(self, app_ids: Iterable[str]) -> None:
        """Say which apps there are to be refused."""
        self._expected.update(app_ids)

    def note_served(self, app_id: str) -> None:
        """Note a response with points: the credentials are good, and the app is the account's."""
        self._is_served = True
        self.note_answered()
        self._of_app.pop(app_id, None)

    def note_answered(self) -> None:
        """Note a response that is about the request, not about who sends it."""
        self.one_by_one = False
        self._refused.clear()

    def note_unavailable(self) -> None:
        """Note a request without a usable response, which says nothing of the credentials."""
        self.one_by_one = False

    def note_refusal(self, error: AppRefused | UnknownApp) -> None:
        """Note a 401, 403 or 404."""
        self._of_app[error.app_id] += 1
        self._last_of_app[error.app_id] = error
        if isinstance(error, AppRefused):
            self._refused.append(error)
        else:
            self.note_answered()

    def refusal_of(self, app_id: str) -> VendorError | None:
        """Return the app's last refusal, if there were enough in a row."""
        return self._last_of_app[app_id] if self._of_app[app_id] >= REFUSALS_OF_AN_APP else None

    def refusal_of_account(self) -> CredentialsRefused | None:
        """Return the account's refusal, if several apps were refused in a row.

        Once an app was served, a good many have to be: several apps of another account may follow each other.
        They prove nothing until an app that was served is refused, too, if there is one.
        """
        apps = {error.app_id for error in self._refused}
        enough = self._many if self._is_served else REFUSALS_OF_AN_ACCOUNT
        if len(self._refused) < enough or len(apps) < min(CONFIRMING_APPS, len(self._expected)):
            return None
        return credentials_refused(self._refused[-1], sorted(apps))
