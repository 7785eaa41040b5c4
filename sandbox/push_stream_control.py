"""The control calls about pushing streams: open states, channels, and the apps' certificates."""

from __future__ import annotations

from aiohttp import hdrs, web

from sandbox.account import Account
from sandbox.control_http import CONTROL_PATH, answer_json, get, read_json, read_object
from sandbox.dashboard import unauthorized


class PushStreamControl:
    """Handlers of these calls.

    Args:
        account: What is looked at and changed.
    """

    def __init__(self, account: Account) -> None:
        self._account = account

    def routes(self) -> list[web.RouteDef]:
        """Lists the calls with their handlers."""
        return [
            get(f"{CONTROL_PATH}/open-states", self.open_states),
            web.put(f"{CONTROL_PATH}/open-states", self.put_open_states),
            web.put(f"{CONTROL_PATH}/open-grants", self.put_open_grants),
            get(f"{CONTROL_PATH}/channels", self.channels),
            web.post(f"{CONTROL_PATH}/channels/reset", self.reset_channels),
            get(f"{CONTROL_PATH}/app-certificates", self.app_certificates),
        ]

    async def open_states(self, _request: web.Request) -> web.Response:
        """Tells of every app whether it is open."""
        states = self._account.open_states
        return answer_json({app_id: states.is_open(app_id) for app_id in self._account.app_by_id})

    async def put_open_states(self, request: web.Request) -> web.Response:
        """Replaces what is open."""
        given = await read_json(request)
        if not isinstance(given, dict) or not all(isinstance(state, bool) for state in given.values()):
            raise ValueError("The body is an object of true or false by App ID.")
        for app_id in given:
            if app_id not in self._account.app_by_id:
                raise ValueError(f"No app has the App ID {app_id!r}.")
        self._account.open_states.replace(app_id for app_id, state in given.items() if state)
        return await self.open_states(request)

    async def put_open_grants(self, request: web.Request) -> web.Response:
        """Says whether applications are granted."""
        granted = (await read_object(request, {"granted"}))["granted"]
        if not isinstance(granted, bool):
            raise ValueError("granted is true or false.")
        self._account.open_states.granted = granted
        return answer_json({"granted": granted})

    async def channels(self, _request: web.Request) -> web.Response:
        """Tells which channels are being pushed, and what was counted."""
        return answer_json(self._account.channels.described())

    async def reset_channels(self, _request: web.Request) -> web.Response:
        """Forgets the channels and their counts."""
        self._account.channels.reset()
        return answer_json({"channels": []})

    async def app_certificates(self, request: web.Request) -> web.Response:
        """Gives the App Certificates to who knows the account's credentials."""
        if not self._account.credentials.admit(request.headers.get(hdrs.AUTHORIZATION)):
            return unauthorized()
        return answer_json(
            {app_id: self._account.certificate_of(app_id) for app_id in self._account.app_by_id}
        )
