"""A TCP proxy that simulates network faults between a client and the sandbox.

Start it with `python -m sandbox.proxy`. The proxy does not interpret HTTP or TLS. It forwards bytes until its
fault takes effect.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from sandbox.log import marked

HOST = "127.0.0.1"
CHUNK_BYTES = 65536
Kind = Literal["none", "reset", "black-hole", "truncate", "half-close"]


@dataclass(frozen=True)
class NetworkFault:
    """A network fault and its trigger.

    Attributes:
        kind: `reset` resets the connection (RST). `black-hole` keeps it open and forwards nothing more.
            `truncate` closes it normally. `half-close` closes only the direction to the client, and the proxy
            keeps reading from the client.
        on: The text that a client must send to trigger the fault. An empty string triggers it immediately.
        after_bytes: The number of response bytes to forward between the trigger and the effect.
        latency_ms: The delay of all bytes in each direction.
        jitter_ms: The upper limit of a random delay that is added to the latency.
    """

    kind: Kind = "none"
    on: str = ""
    after_bytes: int = 0
    latency_ms: float = 0
    jitter_ms: float = 0


class Proxy:
    """A proxy that can be started and stopped. Its `fault` can be replaced while it runs.

    Args:
        to: The host and port to forward to.
        listen: The port on 127.0.0.1. 0 selects a free port.
        fault: The initial fault.
    """

    def __init__(self, to: tuple[str, int], *, listen: int = 0, fault: NetworkFault | None = None) -> None:
        self.fault = fault or NetworkFault()
        self.port = listen
        self.to = to
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on the port.

        Raises:
            OSError: The port is in use.
        """
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and all connections."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(_Connection(self, reader, writer).run())
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)


class _Triggered(Exception):
    """The fault takes effect, and no more bytes are forwarded."""


class _Connection:
    """A client's connection, and the corresponding connection to the server."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._sent = ""
        # The response bytes left to forward before the fault takes effect. None until the trigger.
        self._left: int | None = None

    async def run(self) -> None:
        """Forward bytes until both sides have ended or the fault takes effect."""
        try:
            self._arm_fault()
            reader, writer = await asyncio.open_connection(*self._proxy.to)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._forward_requests(writer))
                    both.create_task(self._forward_responses(reader))
            finally:
                writer.close()
        except* _Triggered:
            await self._take_effect()
        except* OSError:
            pass  # one side reset its connection, or the server is unreachable
        finally:
            self._writer.close()

    async def _forward_requests(self, writer: asyncio.StreamWriter) -> None:
        while chunk := await self._reader.read(CHUNK_BYTES):
            await self._delay()
            # The trigger text can be split across two chunks.
            self._sent = self._sent[-CHUNK_BYTES:] + chunk.decode("latin-1")
            self._arm_fault()
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()

    async def _forward_responses(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._delay()
            self._writer.write(chunk[: self._left])
            await self._writer.drain()
            if self._left is not None:
                self._left = max(0, self._left - len(chunk))
                self._trigger_if_due()
        self._writer.write_eof()

    def _arm_fault(self) -> None:
        fault = self._proxy.fault
        if self._left is None and fault.kind != "none" and fault.on in self._sent:
            self._left = fault.after_bytes
            self._trigger_if_due()

    def _trigger_if_due(self) -> None:
        if self._left == 0:
            raise _Triggered

    async def _delay(self) -> None:
        fault = self._proxy.fault
        await asyncio.sleep((fault.latency_ms + random.uniform(0, fault.jitter_ms)) / 1000)  # noqa: S311 - not a secret

    async def _take_effect(self) -> None:
        match self._proxy.fault.kind:
            case "reset":
                # With a linger time of zero, closing sends RST instead of FIN.
                self._writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
            case "half-close":
                self._writer.write_eof()
                await self._discard()
            case "black-hole":
                await self._discard()

    async def _discard(self) -> None:
        """Read from the client and discard the bytes, until the client closes."""
        try:
            while await self._reader.read(CHUNK_BYTES):
                pass
        except OSError:
            pass  # the client reset the connection


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proxy until it receives a signal.

    Args:
        arguments: The command-line arguments. Default: those of the process.

    Returns:
        The exit status.
    """
    options = _parser().parse_args(arguments)
    fault = NetworkFault(
        options.fault, options.on, options.after_bytes, options.latency_ms, options.jitter_ms
    )
    try:
        asyncio.run(_serve(Proxy(options.to, listen=options.listen, fault=fault)))
    except OSError as problem:
        print(marked(f"Cannot listen on port {options.listen}: {problem.strerror}."), file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.proxy",
        description="Run a TCP proxy on 127.0.0.1 that simulates network faults. Point the client's base URL "
        "at the proxy, and --to at the sandbox.",
    )
    add = parser.add_argument
    add("--to", type=_address, required=True, metavar="HOST:PORT", help="address to forward to")
    add("--listen", type=int, default=0, metavar="PORT", help="port; 0 selects a free port (default: 0)")
    add("--fault", choices=get_args(Kind), default="none", help="fault (default: none)")
    add("--on", default="", metavar="TEXT", help="text that a client must send to trigger the fault")
    add("--after-bytes", type=int, default=0, metavar="N", help="response bytes to forward before the fault")
    add("--latency-ms", type=float, default=0, metavar="MS", help="delay in each direction")
    add("--jitter-ms", type=float, default=0, metavar="MS", help="upper limit of an additional random delay")
    return parser


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


async def _serve(proxy: Proxy) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await proxy.start()
    print(marked(f"Proxy: http://{HOST}:{proxy.port} to {proxy.to[0]}:{proxy.to[1]}"), flush=True)
    await stop.wait()
    await proxy.stop()


if __name__ == "__main__":
    raise SystemExit(main())
