"""The push-stream API as the suite asks it: by the product's client, and by plain HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretBytes, SecretStr

from agora.client import channel_key
from agora.client.push_stream import Channel, PushStreamClient
from agora.errors import AgoraError, SettingsError
from agora.settings.connections import PushStreamSettings, parse_push_stream
from tests.contract.plain_http import Reply, send
from tests.contract.target import PREFIX, Target

HIDDEN = f"${PREFIX}STREAM_URL"
"""Stands for that address, which may hold a stream key, in whatever a failure could show."""


class PushStreamApi:
    """The push-stream API of one app.

    Args:
        target: What is asked.
    """

    def __init__(self, target: Target) -> None:
        target.require("APP_ID", "APP_CERTIFICATE")
        self.target = target

    def settings(self, **changed: Any) -> PushStreamSettings:
        """Return the app as a connection gives it."""
        try:
            return parse_push_stream(
                "contract",
                {
                    "base_url": self.target.value("PUSH_STREAM_URL"),
                    "app_id": self.target.value("APP_ID"),
                    "app_certificate": self.target.value("APP_CERTIFICATE"),
                    **changed,
                },
            )
        except SettingsError as error:
            # Without its traceback, which shows what was given.
            pytest.fail(str(error), pytrace=False)

    @property
    def urls(self) -> list[str]:
        """Where a stream may be pushed to; HIDDEN in every answer."""
        return [self.target.value("STREAM_URL")]

    def ask(self, call: Callable[[PushStreamClient], Awaitable[Channel]], **changed: Any) -> Channel:
        """Make one call by the product's client, with these settings changed."""

        async def asked() -> Channel:
            async with PushStreamClient(self.settings(**changed)) as client:
                return await call(client)

        self.target.take_turn()
        try:
            channel = asyncio.run(asked())
        except AgoraError as error:
            # Without the frames that hold the address, and without it in the vendor's words.
            error.args = tuple(map(self._hide, error.args))
            raise error.with_traceback(None) from None
        return replace(channel, urls=[self._hide(url) for url in channel.urls])

    def key(self, cname: str) -> SecretStr:
        """Make a Channel Key for a channel."""
        settings = self.settings()
        return SecretStr(
            channel_key.generate(settings.app_id, settings.app_certificate.get_secret_value(), cname)
        )

    def body(self, cname: str, **fields: Any) -> SecretBytes:
        """Spell what is said about a channel, with a good key unless another is given."""
        content = {"cname": cname, "channelkey": self.key(cname), **fields}
        return SecretBytes(json.dumps(content, default=SecretStr.get_secret_value).encode())

    def send(self, method: str, body: SecretBytes) -> Reply:
        """Make one call by plain HTTP."""
        self.target.take_turn()
        reply = send(method, f"{self.settings().base_url}/channel", body=body)
        return replace(reply, body=self._hide(reply.body.decode("utf-8", "replace")).encode())

    def _hide(self, text: str) -> str:
        return text.replace(self.target.value("STREAM_URL") or HIDDEN, HIDDEN)
