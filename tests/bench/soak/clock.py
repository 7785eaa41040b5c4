"""A clock for a whole stack: its processes read the time of day through a preloaded library."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """The time of day of every process that is started with `environment`.

    Args:
        directory: Directory for the library and the file with the offset.
    """

    def __init__(self, directory: Path) -> None:
        compiler = shutil.which("cc")
        if sys.platform != "linux" or compiler is None:
            raise SystemExit("The simulated clock needs Linux and a C compiler (cc).")
        library = directory / "clock.so"
        command: list[str | Path] = [
            compiler,
            "-shared",
            "-fPIC",
            "-O2",
            "-Wall",
            "-Werror",
            "-o",
            library,
            SOURCE,
        ]
        subprocess.run(command, check=True)
        self._file = directory / "seconds_ahead"
        self._ahead = 0
        self._write()
        self.environment = {"LD_PRELOAD": str(library), "SOAK_CLOCK": str(self._file)}

    def now(self) -> datetime:
        """Return the stack's time."""
        return datetime.fromtimestamp(time.time() + self._ahead, UTC)

    def set(self, instant: datetime) -> None:
        """Move the clock forward to a time, from which it continues to run.

        Raises:
            ValueError: The time is in the past.
        """
        if instant < self.now():
            raise ValueError(f"The clock shows {self.now():%F %T} and cannot go back to {instant:%F %T}.")
        self._ahead = round(instant.timestamp() - time.time())
        self._write()

    def _write(self) -> None:
        # Written in place, because processes have mapped the file.
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", self._ahead))


@contextmanager
def simulated_clock() -> Iterator[tuple[Clock, Path]]:
    """Give all child processes a simulated clock in a `with` block. Yields it with a temporary directory."""
    with tempfile.TemporaryDirectory(prefix="agora-clock-") as name:
        directory = Path(name)
        directory.chmod(0o711)  # PostgreSQL may run as another user
        clock = Clock(directory)
        os.environ.update(clock.environment)
        try:
            yield clock, directory
        finally:
            for variable in clock.environment:
                del os.environ[variable]
