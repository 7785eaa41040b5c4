"""The passwords and keys of one local stack, made at its first start, for its owner's eyes only."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from agora.warehouse.roles import ROLES, SUPERUSER
from embedded.errors import StackError
from embedded.private_file import read_private, write_private


def _new_passwords() -> dict[str, str]:
    return {role: secrets.token_urlsafe(24) for role in (SUPERUSER, *ROLES)}


def _new_fernet_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _new_key() -> str:
    # HS512 wants 64 bytes.
    return secrets.token_urlsafe(64)


@dataclass(frozen=True)
class Secrets:
    """Everything the stack keeps secret. There is no default password anywhere."""

    postgres: dict[str, str] = field(default_factory=_new_passwords, repr=False)
    fernet_key: str = field(default_factory=_new_fernet_key, repr=False)
    jwt_secret: str = field(default_factory=_new_key, repr=False)
    api_secret_key: str = field(default_factory=_new_key, repr=False)
    admin_password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    sandbox_customer_id: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    sandbox_customer_certificate: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)


def load(path: Path) -> Secrets:
    """Return the secrets of a stack that was started before.

    Raises:
        StackError: The file is absent, is not one of ours, or cannot be closed to other users.
    """
    try:
        return Secrets(**json.loads(read_private(path)))
    except FileNotFoundError:
        raise StackError("The local stack was never started here. Start it with `make demo`.") from None
    except (OSError, ValueError, TypeError) as error:
        raise StackError(f"{path} cannot be read ({error}). `make clean` starts over.") from None


def load_or_create(path: Path) -> Secrets:
    """Return the stack's secrets, made now if this is its first start."""
    if not path.exists():
        write_private(path, json.dumps(asdict(Secrets()), indent=2) + "\n")
    return load(path)
