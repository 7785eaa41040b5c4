"""Sandboxes as forks of one process that has imported the sandbox, because importing takes most of a start.

Run as `python -m tests.support.sandbox_forks`, this module is that process. It ends at the end of its input.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NoReturn

from tests.support.paths import ROOT

_ONE_AT_A_TIME = threading.Lock()
_LENGTH, _PID_BYTES = 4, 8


class Child:
    """A running sandbox.

    Attributes:
        pid: Its process ID, which is not reused while this process runs.
        was_killed: Whether it did not stop in time.
    """

    def __init__(self, pid: int, keeps_alive: socket.socket) -> None:
        self.pid = pid
        self.was_killed = False
        # The other end is the sandbox's standard input. Each side notices when the other side ends.
        self._socket = keeps_alive

    def has_ended(self, seconds: float = 0) -> bool:
        """Wait for the sandbox to end, and return whether it has."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def stop(self, seconds: float) -> None:
        """Stop the sandbox, and kill it if it does not end in time."""
        self.signal(signal.SIGTERM)
        if not self.has_ended(seconds):
            self.was_killed = True
            self.signal(signal.SIGKILL)
            self.has_ended(seconds)
        self._socket.close()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the sandbox, unless it has ended."""
        os.kill(self.pid, number)


def fork(arguments: Sequence[str], environment: Mapping[str, str], log: int) -> Child:
    """Start `python -m sandbox`.

    Args:
        arguments: The command line after `python -m sandbox`.
        environment: All environment variables.
        log: Descriptor of the file that receives the output.
    """
    own, theirs = socket.socketpair()
    message = json.dumps([list(arguments), dict(environment)]).encode()
    with _ONE_AT_A_TIME, theirs:
        forks = _forks()
        socket.send_fds(forks, [len(message).to_bytes(_LENGTH)], [theirs.fileno(), log])
        forks.sendall(message)
        pid = int.from_bytes(_receive(forks, _PID_BYTES))
    return Child(pid, own)


@cache
def _forks() -> socket.socket:
    """Start the process that forks, and return the socket for requests."""
    own, theirs = socket.socketpair()
    command = [sys.executable, "-m", __name__]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with theirs:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=theirs.fileno(), start_new_session=True
        )
    atexit.register(process.wait)
    atexit.register(own.shutdown, socket.SHUT_RDWR)
    return own


def _receive(requests: socket.socket, length: int) -> bytes:
    received = b""
    while len(received) < length:
        if not (part := requests.recv(length - len(received))):
            raise EOFError("The process that forks sandboxes has ended.")
        received += part
    return received


def _main() -> None:
    import sandbox.__main__  # noqa: F401 - so that each fork has it

    with socket.socket(fileno=os.dup(0)) as requests:
        while True:
            length, descriptors, *_ = socket.recv_fds(requests, _LENGTH, 2)
            if not length:
                return
            arguments, environment = json.loads(_receive(requests, int.from_bytes(length)))
            # Ended sandboxes remain as zombies, so that their process IDs are not reused.
            if not (pid := os.fork()):
                requests.close()
                _run(arguments, environment, *descriptors)
            for descriptor in descriptors:
                os.close(descriptor)
            requests.sendall(pid.to_bytes(_PID_BYTES))


def _run(arguments: list[str], environment: dict[str, str], keeps_alive: int, log: int) -> NoReturn:
    from sandbox.__main__ import main

    for descriptor, target in ((keeps_alive, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, target)
    os.close(keeps_alive)
    os.close(log)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    status = 1
    try:
        status = main(arguments)
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    _main()
