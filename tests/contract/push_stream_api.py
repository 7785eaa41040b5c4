"""Calls to the push-stream API, with the product's client and over plain HTTP."""

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
"""Replaces the stream URL, which may contain a stream key, in everything that a failure could show."""


class PushStreamApi:
    """The push-stream API for one app.

    Args:
        target: The API under test.
    """

    def __init__(self, target: Target) -> None:
        target.require("APP_ID", "APP_CERTIFICATE")
        self.target = target

    def settings(self, **changed: Any) -> PushStreamSettings:
        """Return the settings of the app, as read from a connection."""
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
            # A traceback would show the given values.
            pytest.fail(str(error), pytrace=False)

    @property
    def urls(self) -> list[str]:
        """Destinations for the stream. Responses contain HIDDEN instead."""
        return [self.target.value("STREAM_URL")]

    def run(self, call: Callable[[PushStreamClient], Awaitable[Channel]], **changed: Any) -> Channel:
        """Make one call with the product's client, with some settings changed."""

        async def make_call() -> Channel:
            async with PushStreamClient(self.settings(**changed)) as client:
                return await call(client)

        self.target.wait_for_permit()
        try:
            channel = asyncio.run(make_call())
        except AgoraError as error:
            # Remove the stream URL, which is in the vendor's message and in the frames of the traceback.
            error.args = tuple(map(self._hide, error.args))
            raise error.with_traceback(None) from None
        return replace(channel, urls=[self._hide(url) for url in channel.urls])

    def key(self, cname: str) -> SecretStr:
        """Return a Channel Key for a channel."""
        settings = self.settings()
        return SecretStr(
            channel_key.generate(settings.app_id, settings.app_certificate.get_secret_value(), cname)
        )

    def body(self, cname: str, **fields: Any) -> SecretBytes:
        """Return the body of a request for a channel, with a valid key unless another is given."""
        content = {"cname": cname, "channelkey": self.key(cname), **fields}
        return SecretBytes(json.dumps(content, default=SecretStr.get_secret_value).encode())

    def send(self, method: str, body: SecretBytes) -> Reply:
        """Make one call over plain HTTP."""
        self.target.wait_for_permit()
        reply = send(method, f"{self.settings().base_url}/channel", body=body)
        return replace(reply, body=self._hide(reply.body.decode("utf-8", "replace")).encode())

    def _hide(self, text: str) -> str:
        return text.replace(self.target.value("STREAM_URL") or HIDDEN, HIDDEN)
