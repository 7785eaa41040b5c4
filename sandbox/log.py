"""The sandbox's log: every line begins with a marker, so that no line is mistaken for the vendor's."""

from __future__ import annotations

import logging
import sys

MARKER = "[sandbox, not the vendor]"

access_log = logging.getLogger("sandbox.access")
log = logging.getLogger("sandbox")


class MarkedFormatter(logging.Formatter):
    """A formatter that puts the marker before every line, including those of a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        return marked(super().format(record))


def marked(text: str) -> str:
    """Return the text with the marker before every line."""
    return "\n".join(f"{MARKER} {line}" for line in text.splitlines() or [""])


def configure(*, quiet: bool) -> None:
    """Send the process's log to standard error, with the marker.

    Args:
        quiet: Omit the access log.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(MarkedFormatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.captureWarnings(True)
    access_log.setLevel(logging.WARNING if quiet else logging.INFO)
    # This logger repeats malformed requests verbatim, including any Authorization header.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL + 1)
