"""What a person sees while something takes its time: a line a step with seconds, and a bar."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

WIDTH = 44


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print one line for a step: when it begins on a terminal, with its seconds when it is done."""
    began = time.monotonic()
    if sys.stdout.isatty():
        print(f"{text} …", end="", flush=True)
    try:
        yield
    except BaseException:
        print(f"\r{text:<{WIDTH}} not done after {time.monotonic() - began:.1f} s", flush=True)
        raise
    start = "\r" if sys.stdout.isatty() else ""
    print(f"{start}{text:<{WIDTH}} {time.monotonic() - began:6.1f} s", flush=True)


class Bar:
    """How much of a whole is done: redrawn in place on a terminal, else a line now and then.

    Args:
        text: What is done.
        unit: What is counted.
        out: Where to.
    """

    def __init__(self, text: str, unit: str, out: TextIO = sys.stdout) -> None:
        self._text, self._unit, self._out = text, unit, out
        self._began = time.monotonic()
        self._quiet_until = self._began
        self._last = ""

    def show(self, done: int, wanted: int) -> None:
        """Show the present state."""
        counts = f"{done:,} of {wanted:,} {self._unit}" if wanted else f"counting the {self._unit}"
        seconds = time.monotonic() - self._began
        if self._out.isatty():
            full = 24 * done // wanted if wanted else 0
            line = f"{self._text} [{'█' * full}{'·' * (24 - full)}] {counts}, {seconds:.0f} s"
            print(f"\r{line:<{len(self._last)}}", end="", file=self._out, flush=True)
            self._last = line
        elif counts != self._last and time.monotonic() >= self._quiet_until:
            print(f"{self._text}: {counts}, {seconds:.0f} s", file=self._out, flush=True)
            self._last, self._quiet_until = counts, time.monotonic() + 5

    def end(self) -> None:
        """Leave the bar's line."""
        if self._out.isatty():
            print(file=self._out, flush=True)
