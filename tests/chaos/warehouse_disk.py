"""A small disk for a test to fill: a tmpfs, mounted by root or, for other users, in a namespace."""

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
    """No file system can be mounted here; the message states the reason."""


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    """Mount a tmpfs for a `with` block; yield the path of its files.

    Args:
        place: An empty directory.
        megabytes: Size of the disk.

    Raises:
        NoDiskError: Neither root nor a user namespace may mount here.
    """
    if os.geteuid() == 0:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=1777", "none", str(place)]
        completed = subprocess.run(mount, capture_output=True, text=True, check=False)
        if completed.returncode:
            raise NoDiskError(completed.stderr.strip())
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
            # Only the holder sees the mount, so its files are accessed through the holder's root.
            yield Path(f"/proc/{holder.pid}/root{place}")
        finally:
            holder.stdin.close()


def fill(disk: Path, leave: int = 0) -> None:
    """Fill the disk's free space except for some bytes."""
    free = os.statvfs(disk)
    size = free.f_bavail * free.f_frsize - leave
    if size > 0:
        with (disk / BALLAST).open("ab") as ballast:
            os.posix_fallocate(ballast.fileno(), os.fstat(ballast.fileno()).st_size, size)


def empty(disk: Path) -> None:
    """Free the space again."""
    with suppress(FileNotFoundError):
        (disk / BALLAST).unlink()
