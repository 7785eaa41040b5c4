"""Hook for the connection type `agora_push_stream`."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from airflow.sdk.bases.hook import BaseHook
from airflow.sdk.log import mask_secret

from agora.errors import AgoraError, ChannelNotFound, SettingsError
from agora.hooks.connections import failed_test, hide_proxy, stored_connection
from agora.settings import PUSH_STREAM_CONN_ID

if TYPE_CHECKING:
    from agora.client.push_stream import Channel, PushStreamClient
    from agora.settings.connections import PushStreamSettings


class AgoraPushStreamHook(BaseHook):
    """Hook for the push-stream API of one App ID.

    Fields of the connection:
        host: Base URL. Default: `http://broadcastgw.agora.io/api/v1`, plain HTTP as in the vendor's document.
        login: App ID (not a Customer ID), 32 hexadecimal digits.
        password: App Certificate (not a Customer Certificate), 32 hexadecimal digits. It signs one
            Channel Key per request and is never sent.
        extra.ca_file: As in a connection of type `agora_dashboard`.
        extra.proxy: As in a connection of type `agora_dashboard`. The proxy can read plain HTTP traffic.

    Args:
        conn_id: The connection's name.
    """

    conn_name_attr = "conn_id"
    default_conn_name = PUSH_STREAM_CONN_ID
    conn_type = "agora_push_stream"
    hook_name = "Agora Push-Stream"

    def __init__(self, conn_id: str = PUSH_STREAM_CONN_ID) -> None:
        super().__init__()
        self.conn_id = conn_id

    def get_settings(self) -> PushStreamSettings:
        """Return the validated settings, and mask the connection's secrets in all later log lines.

        Raises:
            SettingsError: The connection is invalid. The message names the field.
        """
        from agora.settings.connections import parse_push_stream

        connection = stored_connection(self.conn_id, "with the type Agora Push-Stream")
        if connection.conn_type != self.conn_type:
            raise SettingsError(
                f"The connection {self.conn_id} has the type {connection.conn_type}, not {self.conn_type}."
                " Choose the connection of the channel's app.",
                conn_id=self.conn_id,
            )
        if connection.password:
            mask_secret(connection.password)
        settings = parse_push_stream(
            self.conn_id,
            {
                **connection.extra_dejson,
                "base_url": connection.host,
                "app_id": connection.login,
                "app_certificate": connection.password,
            },
        )
        hide_proxy(settings.route())
        return settings

    def get_conn(self) -> PushStreamSettings:
        """Return the validated settings. Each call opens its own session."""
        return self.get_settings()

    def start(self, cname: str, urls: Sequence[str] = ()) -> Channel:
        """Start pushing a channel's stream; see `PushStreamClient.start`."""
        return self._call(lambda client: client.start(cname, urls))

    def update(self, cname: str, *, uids: Sequence[int] = (), urls: Sequence[str] = ()) -> Channel:
        """Change the hosts or stream URLs of a channel; see `PushStreamClient.update`."""
        return self._call(lambda client: client.update(cname, uids=uids, urls=urls))

    def stop(self, cname: str) -> Channel:
        """Stop pushing a channel's stream; see `PushStreamClient.stop`."""
        return self._call(lambda client: client.stop(cname))

    def test_connection(self) -> tuple[bool, str]:
        """Test the Channel Key by stopping a channel with a made-up name. 404 means that the test passed."""
        try:
            self.stop(f"no-such-channel-{secrets.token_hex(8)}")
        except ChannelNotFound as error:
            return True, f"The Channel Key was accepted ({error.reason}; the channel was made up)."
        except AgoraError as error:
            return failed_test(error, self.conn_id)
        return True, "The Channel Key was accepted."

    def _call(self, call: Callable[[PushStreamClient], Awaitable[Channel]]) -> Channel:
        from agora.client.push_stream import PushStreamClient

        settings = self.get_settings()

        async def with_client() -> Channel:
            async with PushStreamClient(settings) as client:
                return await call(client)

        return asyncio.run(with_client())
