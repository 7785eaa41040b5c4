"""A small disk of a test's own, to be filled: a tmpfs, mounted by root or, by others, in a namespace."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BALLAST = "ballast"
IN_A_NAMESPACE = (
    'mount -t tmpfs -o "size=$1,mode=1777" none "$2" && echo ready && exec cat'  # cat ends when we do
)


class NoDiskError(Exception):
    """No file system can be mounted here; says why."""


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """Mount a tmpfs for the length of a `with`; yield where its files are reached.

    Args:
        place: An empty directory.
        megabytes: Its size.

    Raises:
        NoDiskError: Neither root nor a user namespace may mount here.
    """
    if os.geteuid() == 0:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=1777", "none", str(place)]
        answer = subprocess.run(mount, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise NoDiskError(answer.stderr.strip())
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)
        return
    holder = subprocess.Popen(
        [
            *("unshare", "--user", "--map-root-user", "--mount"),
            *("sh", "-c", IN_A_NAMESPACE, "sh", f"{megabytes}m", str(place)),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stderr
        if holder.stdout.readline() != "ready\n":
            raise NoDiskError(holder.stderr.read().strip())
        try:
            # Mounted where only the holder sees it, it is reached through the holder's root.
            yield Path(f"/proc/{holder.pid}/root{place}")
        finally:
            holder.stdin.close()


def fill(disk: Path, leave: int = 0) -> None:
    """Take the disk's free space but for some bytes."""
    free = os.statvfs(disk)
    size = free.f_bavail * free.f_frsize - leave
    if size > 0:
        with (disk / BALLAST).open("ab") as ballast:
            os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, size)


def empty(disk: Path) -> None:
    """Give the space back."""
    with suppress(FileNotFoundError):
        (disk / BALLAST).unlink()
