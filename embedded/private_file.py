"""Files with secrets, which only their owner can read."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

from embedded.errors import RefusedError

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(temporary).replace(path)


def read_private(path: Path) -> str:
    """Return the text of a file with secrets. If other users may read the file, set its mode to 0600 first.

    Raises:
        FileNotFoundError: There is no such file.
        RefusedError: The file is a link, no regular file, another user's, or its mode cannot be changed.
    """
    if path.is_symlink():
        raise RefusedError(
            f"{path} is a link. Put the file itself there, so that its mode protects its secrets."
        )
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        _require_private(path, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    with os.fdopen(descriptor, encoding="utf-8-sig") as file:
        return file.read()


def _require_private(path: Path, descriptor: int) -> None:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError(f"{path} is no regular file. Put a file there that only you can read.")
    if status.st_uid != os.geteuid():
        raise RefusedError(
            f"{path} belongs to another user (uid {status.st_uid}), who can read and change its secrets."
            f" Make the file yours: `chown {os.geteuid()} {path}`."
        )
    if status.st_mode & OTHERS:
        _close_to_others(path, descriptor)
        print(
            f"{path} was open to other users (mode {stat.S_IMODE(status.st_mode):04o}). Its mode is now 0600."
            " If other users work on this machine, replace the secrets in it.",
            file=sys.stderr,
        )


def _close_to_others(path: Path, descriptor: int) -> None:
    try:
        os.fchmod(descriptor, stat.S_IRUSR | stat.S_IWUSR)
        is_closed = not os.fstat(descriptor).st_mode & OTHERS  # some file systems only pretend
    except OSError:
        is_closed = False
    if not is_closed:
        raise RefusedError(
            f"{path} is open to other users, and its mode cannot be changed to 0600. Move it to a file system"
            " with permissions."
        )
