"""Progress output: one line per step with its duration in seconds, and a progress bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

WIDTH = 44


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print the step's duration when the step ends. On a terminal, also print its text when it begins."""
    began = time.monotonic()
    if sys.stdout.isatty():
        print(f"{text} …", end="", flush=True)
    try:
        yield
    except BaseException:
        print(f"\r{text:<{WIDTH}} failed after {time.monotonic() - began:.1f} s", flush=True)
        raise
    start = "\r" if sys.stdout.isatty() else ""
    print(f"{start}{text:<{WIDTH}} {time.monotonic() - began:6.1f} s", flush=True)


class Bar:
    """A progress bar on a terminal. Elsewhere, at most one line of output every five seconds.

    Args:
        text: Name of the activity.
        unit: Plural noun of the counted items.
        out: Stream to print to.
    """

    def __init__(self, text: str, unit: str, out: TextIO = sys.stdout) -> None:
        self._text, self._unit, self._out = text, unit, out
        self._began = time.monotonic()
        self._quiet_until = self._began
        self._last = ""

    def show(self, done: int, total: int) -> None:
        """Show the current counts."""
        counts = f"{done:,} of {total:,} {self._unit}" if total else f"planning the {self._unit}"
        seconds = time.monotonic() - self._began
        if self._out.isatty():
            full = 24 * done // total if total else 0
            line = f"{self._text} [{'█' * full}{'·' * (24 - full)}] {counts}, {seconds:.0f} s"
            print(f"\r{line:<{len(self._last)}}", end="", file=self._out, flush=True)
            self._last = line
        elif counts != self._last and time.monotonic() >= self._quiet_until:
            print(f"{self._text}: {counts}, {seconds:.0f} s", file=self._out, flush=True)
            self._last, self._quiet_until = counts, time.monotonic() + 5

    def end(self) -> None:
        """Move to the line after the bar."""
        if self._out.isatty():
            print(file=self._out, flush=True)
