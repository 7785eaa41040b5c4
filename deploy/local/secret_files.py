"""The local stack's passwords and keys, and files with secrets that only their owner can read."""

from __future__ import annotations

import base64
import json
import os
import secrets
import stat
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agora.warehouse.roles import ROLES, SUPERUSER
from deploy.local.errors import RefusedError, StackError

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def _new_passwords() -> dict[str, str]:
    return {role: secrets.token_urlsafe(24) for role in (SUPERUSER, *ROLES)}


def _new_fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _new_key() -> str:
    # HS512 requires 64 bytes.
    return secrets.token_urlsafe(64)


@dataclass(frozen=True)
class Secrets:
    """Passwords and keys of one local stack, generated at random. There are no default passwords."""

    postgres: dict[str, str] = field(default_factory=_new_passwords, repr=False)
    fernet_key: str = field(default_factory=_new_fernet_key, repr=False)
    jwt_secret: str = field(default_factory=_new_key, repr=False)
    api_secret_key: str = field(default_factory=_new_key, repr=False)
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    sandbox_customer_id: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    sandbox_customer_certificate: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)


def load_secrets(path: Path) -> Secrets:
    """Return the secrets of a stack that was started before.

    Raises:
        StackError: The file is missing, malformed or refused by `read_private`.
    """
    try:
        return Secrets(**json.loads(read_private(path)))
    except FileNotFoundError:
        raise StackError("The local stack was never started here. Start it with `make demo`.") from None
    except (OSError, ValueError, TypeError) as error:
        raise StackError(f"{path} is unreadable ({error}). Start over with `make clean`.") from None


def load_or_create_secrets(path: Path) -> Secrets:
    """Return the stack's secrets, and generate them on the first start."""
    if not path.exists():
        write_private(path, json.dumps(asdict(Secrets()), indent=2) + "\n")
    return load_secrets(path)


def write_private(path: Path, text: str) -> None:
    """Write a file atomically, with mode 0600."""
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(temporary).replace(path)


def read_private(path: Path) -> str:
    """Return the text of a file with secrets. If other users can read the file, first set its mode to 0600.

    Raises:
        FileNotFoundError: The file does not exist.
        RefusedError: The file is not a regular file, its mode cannot be changed, or another user owns it.
    """
    if path.is_symlink():
        raise RefusedError(
            f"{path} is a link. Replace it with the file itself, whose mode then protects its secrets."
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
        raise RefusedError(f"{path} is not a regular file. Replace it with a file that only you can read.")
    if status.st_uid != os.geteuid():
        raise RefusedError(
            f"{path} belongs to another user (uid {status.st_uid}), who can read and change its secrets."
            f" Take ownership of the file: `chown {os.geteuid()} {path}`."
        )
    if status.st_mode & OTHERS:
        _close_to_others(path, descriptor)
        print(
            f"Other users could read {path} (mode {stat.S_IMODE(status.st_mode):04o}). Its mode is now 0600."
            " If other people use this machine, replace the secrets in the file.",
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
            f"Other users can read {path}, and its mode cannot be changed to 0600. Move the file to a file"
            " system that supports permissions."
        )
