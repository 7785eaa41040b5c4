"""Decide whether a 401, 403 or 404 concerns one app or the whole account."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from agora.client.dashboard import CONFIRMING_APPS, credentials_refused
from agora.errors import AppRefused, CredentialsRefused, UnknownApp, VendorError

REFUSALS_OF_AN_APP = 3  # consecutive refusals; a single 401, 403 or 404 proves nothing
REFUSALS_OF_AN_ACCOUNT = 3  # consecutive refusals across several apps
REFUSALS_OF_A_SERVED_ACCOUNT = 10  # minimum, even if max_concurrency is small


class AccessCheck:
    """Evidence about the account's credentials and each app, gathered from the responses so far.

    Requests are sent one at a time until one is not refused, so that wrong credentials cost only a handful
    of requests.

    Args:
        many: Number of consecutive refusals across several apps that casts doubt on the credentials, once
            the account has served an app.

    Attributes:
        one_by_one: Whether every request so far was refused.
        one_at_a_time: Lock that admits a single request while `one_by_one` is true.
    """

    def __init__(self, many: int) -> None:
        self._expected: set[str] = set()
        self._many = max(many, REFUSALS_OF_A_SERVED_ACCOUNT)
        self._refused: list[AppRefused] = []  # consecutive
        self._of_app: Counter[str] = Counter()  # consecutive refusals
        self._last_of_app: dict[str, VendorError] = {}
        self._is_served = False
        self.one_by_one = True
        self.one_at_a_time = asyncio.Lock()

    @property
    def is_doubtful(self) -> bool:
        """Whether at least one request was refused and no request had a different outcome."""
        return bool(self._refused) and self.one_by_one

    def expect(self, app_ids: Iterable[str]) -> None:
        """Add the apps that will be requested."""
        self._expected.update(app_ids)

    def note_served(self, app_id: str) -> None:
        """Record a response with points. The credentials are right, and the app belongs to the account."""
        self._is_served = True
        self.note_accepted()
        self._of_app.pop(app_id, None)

    def note_accepted(self) -> None:
        """Record a response that concerns the request itself. It implies that the credentials are right."""
        self.one_by_one = False
        self._refused.clear()

    def note_unavailable(self) -> None:
        """Record a request without a usable response. It proves nothing about the credentials."""
        self.one_by_one = False

    def note_refusal(self, error: AppRefused | UnknownApp) -> None:
        """Record a 401, 403 or 404."""
        self._of_app[error.app_id] += 1
        self._last_of_app[error.app_id] = error
        if isinstance(error, AppRefused):
            self._refused.append(error)
        else:
            self.note_accepted()

    def refusal_of(self, app_id: str) -> VendorError | None:
        """Return the app's last refusal if enough consecutive requests were refused, else None."""
        return self._last_of_app[app_id] if self._of_app[app_id] >= REFUSALS_OF_AN_APP else None

    def refusal_of_account(self) -> CredentialsRefused | None:
        """Return an error for the account if several apps were refused consecutively, else None.

        Once an app has been served, many consecutive refusals are required, because several adjacent apps
        may belong to another account. Even many refusals prove nothing until an app that was served before
        is refused too.
        """
        apps = {error.app_id for error in self._refused}
        enough = self._many if self._is_served else REFUSALS_OF_AN_ACCOUNT
        if len(self._refused) < enough or len(apps) < min(CONFIRMING_APPS, len(self._expected)):
            return None
        return credentials_refused(self._refused[-1], sorted(apps))
