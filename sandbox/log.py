"""How the sandbox speaks: every line begins with a marker, so that none is taken for the vendor's."""

from __future__ import annotations

import logging
import sys

MARKER = "[sandbox, not the vendor]"

access_log = logging.getLogger("sandbox.access")
log = logging.getLogger("sandbox")


class MarkedFormatter(logging.Formatter):
    """Puts the marker before every line, those of a traceback included."""

    def format(self, record: logging.LogRecord) -> str:
        """Formats one record."""
        return marked(super().format(record))


def marked(text: str) -> str:
    """Puts the marker before every line of a text."""
    return "\n".join(f"{MARKER} {line}" for line in text.splitlines() or [""])


def configure(*, quiet: bool) -> None:
    """Sends the process's log to standard error, marked.

    Args:
        quiet: Leaves out the access log.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MarkedFormatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    access_log.setLevel(logging.WARNING if quiet else logging.INFO)
    # It repeats malformed requests word for word, and those may hold an Authorization header.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL + 1)
