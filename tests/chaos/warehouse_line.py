"""The line from loader to warehouse, which counts the loader's bytes and can be cut at any of them."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType

RESET = struct.pack("ii", 1, 0)  # closing sends RST instead of FIN


class Line:
    """A TCP proxy as a context manager.

    Args:
        host: The warehouse's host.
        port: The warehouse's port.

    Attributes:
        port: The proxy's own port.
        sent: Number of bytes that loaders have sent since `cut_after`.
    """

    def __init__(self, host: str, port: int) -> None:
        self._to = host, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._left: int | None = None
        self._ends: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.sent = 0

    def __enter__(self) -> Line:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut()

    def cut_after(self, bytes_sent: int | None) -> None:
        """Reset the count, and cut every connection after this number of bytes; None restores the line."""
        with self._lock:
            self.sent, self._left = 0, bytes_sent

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                loader, _ = self._listener.accept()
                warehouse = socket.create_connection(self._to)
                self._ends += [loader, warehouse]
                threading.Thread(target=self._pass, args=(loader, warehouse, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(warehouse, loader, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_loader: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                allowed = self._counted(len(data)) if is_loader else len(data)
                target.sendall(data[:allowed])
                if allowed < len(data):
                    self._cut()
                    return
            target.shutdown(socket.SHUT_WR)

    def _counted(self, size: int) -> int:
        """Count a loader's bytes; return how many of them may pass."""
        with self._lock:
            self.sent += size
            return size if self._left is None else max(0, min(size, size - (self.sent - self._left)))

    def _cut(self) -> None:
        ends, self._ends = self._ends, []
        for end in ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                end.shutdown(socket.SHUT_RDWR)
            end.close()
