"""A raw TCP server, for behaviour that regular HTTP servers do not offer."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from tests.client.push_stream_requests import DAY


@dataclass(frozen=True)
class Received:
    """A received request.

    Attributes:
        at: Wall-clock time when the head was complete.
        head: Request line and headers.
        body: Body, with the announced length.
    """

    at: float
    head: str
    body: bytes = b""

    @property
    def line(self) -> str:
        return self.head.partition("\r\n")[0]

    def header(self, name: str) -> str | None:
        for line in self.head.split("\r\n")[1:]:
            found, _, value = line.partition(": ")
            if found.lower() == name.lower():
                return value
        return None

    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[asyncio.StreamWriter, int], Awaitable[None]]
"""Handles the request with the given number, starting at 0. The connection is closed afterwards."""


@dataclass
class RawServer:
    """State of a running server."""

    port: int
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    open_connections: int = 0
    max_connections: int = 0

    @property
    def base_url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/dev/v2"

    @property
    def push_stream_url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/api/v1"


@contextlib.asynccontextmanager
async def raw_server(
    behave: Behaviour, *, tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[RawServer]:
    running = RawServer(0, "https" if tls else "http")
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        connections.add(task)
        running.open_connections += 1
        running.max_connections = max(running.max_connections, running.open_connections)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                head = await reader.readuntil(b"\r\n\r\n")
                received = Received(time.time(), head.decode())
                body = await reader.readexactly(int(received.header("Content-Length") or 0))
                running.received.append(replace(received, body=body))
                await behave(writer, len(running.received) - 1)
        finally:
            running.open_connections -= 1
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()
            connections.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", port, ssl=tls)
    running.port = server.sockets[0].getsockname()[1]
    try:
        yield running
    finally:
        server.close()
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def http_response(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """Return a complete HTTP response. Header names are written with underscores."""
    fields = {"Content_Length": str(len(body)), "Connection": "close", **headers}
    lines = [
        f"HTTP/1.1 {status} Whatever",
        *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


EMPTY_DAY = f'{{"date": "{DAY}", "unit": "kbps", "value": {{}}}}'.encode()


def respond_with(*responses: bytes) -> Behaviour:
    """Send the given responses in order, and repeat the last one."""

    async def behave(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(responses[min(number, len(responses) - 1)])
        await writer.drain()

    return behave
