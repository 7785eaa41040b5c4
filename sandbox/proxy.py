"""A TCP proxy with the faults of a network, between a client and the sandbox: `python -m sandbox.proxy`.

It knows nothing of HTTP or TLS: it passes bytes on until its fault strikes.
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
    """What goes wrong, and when.

    Attributes:
        kind: `reset` tears the connection down (RST); `black-hole` keeps it open and passes nothing on any
            more; `truncate` closes it as if all had been said; `half-close` ends what the client receives
            and goes on listening to it.
        on: Strikes the connections on which the client sends this text; empty strikes every connection.
        after_bytes: So many bytes of answer are passed on from there before it strikes.
        latency_ms: Everything is held back so long, each way.
        jitter_ms: And up to so much longer, at random.
    """

    kind: Kind = "none"
    on: str = ""
    after_bytes: int = 0
    latency_ms: float = 0
    jitter_ms: float = 0


class Proxy:
    """A proxy that can be started and stopped; its fault can be replaced while it runs.

    Args:
        to: Host and port where everything is passed on to.
        listen: The port here; 0 picks a free one.
        fault: What goes wrong from the beginning.
    """

    def __init__(self, to: tuple[str, int], *, listen: int = 0, fault: NetworkFault | None = None) -> None:
        self.fault = fault or NetworkFault()
        self.port = listen
        self.to = to
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listens.

        Raises:
            OSError: The port is taken.
        """
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Closes the port and all connections."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(_Connection(self, reader, writer).run())
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)


class _Struck(Exception):
    """The fault has struck: nothing more is passed on."""


class _Connection:
    """One client's connection, and the one that is made for it to the other side."""

    def __init__(self, proxy: Proxy, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._reader = reader
        self._writer = writer
        self._sent = ""
        self._left: int | None = None  # bytes of answer before the fault strikes; None while it sleeps

    async def run(self) -> None:
        """Passes on until both sides have ended or the fault has struck."""
        try:
            self._wake_fault()
            reader, writer = await asyncio.open_connection(*self._proxy.to)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass_requests(writer))
                    both.create_task(self._pass_answers(reader))
            finally:
                writer.close()
        except* _Struck:
            await self._strike()
        except* OSError:
            pass  # one side tore it down, or the other side is not there
        finally:
            self._writer.close()

    async def _pass_requests(self, writer: asyncio.StreamWriter) -> None:
        while chunk := await self._reader.read(CHUNK_BYTES):
            await self._hold_back()
            # A fault's text may come in two pieces.
            self._sent = self._sent[-CHUNK_BYTES:] + chunk.decode("latin-1")
            self._wake_fault()
            writer.write(chunk)
            await writer.drain()
        writer.write_eof()

    async def _pass_answers(self, reader: asyncio.StreamReader) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._hold_back()
            self._writer.write(chunk[: self._left])
            await self._writer.drain()
            if self._left is not None:
                self._left = max(0, self._left - len(chunk))
                self._strike_if_due()
        self._writer.write_eof()

    def _wake_fault(self) -> None:
        fault = self._proxy.fault
        if self._left is None and fault.kind != "none" and fault.on in self._sent:
            self._left = fault.after_bytes
            self._strike_if_due()

    def _strike_if_due(self) -> None:
        if self._left == 0:
            raise _Struck

    async def _hold_back(self) -> None:
        fault = self._proxy.fault
        await asyncio.sleep((fault.latency_ms + random.uniform(0, fault.jitter_ms)) / 1000)  # noqa: S311 - not a secret

    async def _strike(self) -> None:
        match self._proxy.fault.kind:
            case "reset":
                # With nothing to linger for, closing sends RST instead of FIN.
                self._writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
            case "half-close":
                self._writer.write_eof()
                await self._swallow()
            case "black-hole":
                await self._swallow()

    async def _swallow(self) -> None:
        """Listens to the client, and does nothing about it, until it leaves."""
        try:
            while await self._reader.read(CHUNK_BYTES):
                pass
        except OSError:
            pass  # it left without a word


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the proxy until told to stop.

    Args:
        arguments: The command line; without it the process's own.

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
        description="A TCP proxy with faults of the network, on 127.0.0.1 only. Put it between a client and"
        " the sandbox, and the client's base URL on its port.",
    )
    add = parser.add_argument
    add("--to", type=_address, required=True, metavar="HOST:PORT", help="where to pass everything on to")
    add(
        "--listen",
        type=int,
        default=0,
        metavar="PORT",
        help="port on 127.0.0.1; 0 picks a free one (default)",
    )
    add("--fault", choices=get_args(Kind), default="none", help="what goes wrong (default none)")
    add("--on", default="", metavar="TEXT", help="only on connections on which the client sends this text")
    add("--after-bytes", type=int, default=0, metavar="N", help="pass on so much of the answer first")
    add("--latency-ms", type=float, default=0, metavar="MS", help="hold everything back so long, each way")
    add("--jitter-ms", type=float, default=0, metavar="MS", help="and up to so much longer, at random")
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
