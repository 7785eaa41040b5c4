"""A forward proxy in a separate process. It tunnels CONNECT requests, forwards plain HTTP and records heads.

Run it as `python -m tests.client.forward_proxy STATUS CREDENTIALS`. It prints its port, then the head of each
request as one line of JSON. Every host name resolves to this machine. With a `STATUS` other than 200, the
proxy refuses all requests; with 0, it never responds.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.support.paths import ROOT


@dataclass
class ForwardProxy:
    """A running proxy. `heads` is complete after the `with` block."""

    port: int
    heads: list[str] = field(default_factory=list)


@contextmanager
def forward_proxy(status: int = 200, credentials: str = "") -> Iterator[ForwardProxy]:
    """Run a proxy that responds with `status`. If given, `credentials` (`user:password`) are required."""
    command = [sys.executable, "-m", "tests.client.forward_proxy", str(status), credentials]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        running = ForwardProxy(int(process.stdout.readline()))
        try:
            yield running
        finally:
            process.terminate()
            running.heads.extend(json.loads(line) for line in process.stdout)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def _main(status: int, credentials: str) -> None:
    expected = f"Proxy-Authorization: Basic {base64.b64encode(credentials.encode()).decode()}\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        _print_json(head)
        if status == 0:
            await asyncio.sleep(60)
        refusal = 407 if credentials and expected not in head else status
        if refusal != 200:
            writer.write(f"HTTP/1.1 {refusal} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            writer.close()
            return
        method, target, version = head.partition("\r\n")[0].split()
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", parts.port)
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            upstream_writer.write(
                head.replace(f"{method} {target} {version}", f"{method} {path} {version}").encode()
            )
        await asyncio.gather(_copy(reader, upstream_writer), _copy(upstream_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    _print_json(server.sockets[0].getsockname()[1])
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2]))
