"""TCP ports on the loopback address: is one taken, which one is free."""

from __future__ import annotations

import socket

from embedded.errors import PortTakenError
from embedded.settings import HOST


def free_port() -> int:
    """Return a port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_taken(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as probe:
        # Else a connection of a server just stopped, which lingers a minute, would look like a server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def require_free(port: int, purpose: str, variable: str) -> None:
    """Refuse a port that is in use.

    Raises:
        PortTakenError: With the port and the variable that moves it.
    """
    if is_taken(port):
        raise PortTakenError(
            f"Port {port}, wanted for {purpose}, is in use by another program. "
            f"Stop that, or choose another port: {variable}={port + 1} make ..."
        )
