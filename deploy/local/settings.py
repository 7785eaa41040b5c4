"""Settings of the local stack: paths and ports from the environment, variables in `.env`, the state file."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv.parser import Binding, parse_stream

from deploy.local.errors import PortTakenError, RefusedError, StackError
from deploy.local.secret_files import read_private, write_private

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1"
PORT_VARIABLES = {"ui": "AGORA_UI_PORT", "pg": "AGORA_PG_PORT", "sandbox": "AGORA_SANDBOX_PORT"}
DEFAULT_PORTS = {"ui": 8080, "pg": 54320, "sandbox": 8090}
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SINGLE_QUOTED = re.compile(r"=\s*'((?:\\.|[^'\\])*)'", re.DOTALL)


@dataclass(frozen=True)
class _Below:
    """A path below the state directory."""

    name: str

    def __get__(self, settings: Settings, _owner: type[Settings]) -> Path:
        return settings.state / self.name


@dataclass(frozen=True)
class Settings:
    """Paths and ports of one local stack. Two stacks on one machine share none of them."""

    state: Path
    ui_port: int
    pg_port: int
    sandbox_port: int
    pg_bin: Path | None = None
    root: Path = ROOT

    log_dir = _Below("log")  # one log file per service
    run_dir = _Below("run")  # one record per running service
    airflow_home = _Below("airflow")  # AIRFLOW_HOME: configuration file, task logs, password file
    postgres_data = _Below("postgres")
    secrets_path = _Below("secrets.json")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. The environment overrides the state file, which overrides the defaults.

        Args:
            environ: Variables to read. Default: the environment of this process.

        Raises:
            StackError: A value is not a port number.
        """
        env = os.environ if environ is None else environ
        state = ROOT / (env.get("AGORA_LOCAL_DIR") or ".local")
        stored = StateFile(state / "state.json").read().get("ports", {})
        ports = {name: _read_port(env, name, stored) for name in PORT_VARIABLES}
        if len(set(ports.values())) < len(ports):
            raise RefusedError(f"{', '.join(PORT_VARIABLES.values())} must be three different ports.")
        pg_bin = env.get("AGORA_PG_BIN")
        return cls(state, ports["ui"], ports["pg"], ports["sandbox"], Path(pg_bin) if pg_bin else None)

    @property
    def ports(self) -> dict[str, int]:
        """The three ports, keyed by their names in the state file."""
        return {"ui": self.ui_port, "pg": self.pg_port, "sandbox": self.sandbox_port}

    @property
    def ui_url(self) -> str:
        """Base URL of Airflow's UI and API."""
        return f"http://{HOST}:{self.ui_port}"

    @property
    def sandbox_url(self) -> str:
        """Base URL of the sandbox API."""
        return f"http://{HOST}:{self.sandbox_port}"

    @property
    def state_file(self) -> StateFile:
        """State shared between commands."""
        return StateFile(self.state / "state.json")

    def make_directories(self) -> None:
        """Create the state directories with mode 0700."""
        for directory in (self.state, self.log_dir, self.run_dir, self.airflow_home):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)


@dataclass(frozen=True)
class StateFile:
    """State shared between commands: mode, ports and the version of Airflow's schema."""

    path: Path

    def read(self) -> dict[str, Any]:
        """Return the stored values, or an empty dict if the stack was never started."""
        try:
            return dict(json.loads(self.path.read_text()))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StackError(f"{self.path} is unreadable ({error}). Start over with `make clean`.") from None

    def update(self, **values: object) -> None:
        """Store values without changing the other stored values."""
        write_private(self.path, json.dumps({**self.read(), **values}, indent=2) + "\n")


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables from a `.env` file, or an empty dict if the file does not exist.

    Quotes, escapes, comments and multi-line values follow `docker compose`, but `$NAME` is never expanded.
    Put a value that contains `$` in single quotes, because Compose does not expand it there either.

    Raises:
        StackError: A line is malformed. The message gives its number but not its text, which may be a secret.
        RefusedError: Other users can read the file, and its mode cannot be changed.
    """
    try:
        text = read_private(path)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StackError(f"{path} is unreadable: {error}.") from None
    bindings = list(parse_stream(StringIO(text)))
    for binding in bindings:
        if binding.error or (binding.key and not _is_assignment(binding)):
            raise StackError(
                f"{path}, line {_line_number(binding)}: expected KEY=VALUE; a quoted value needs both quotes."
            )
    return {binding.key: _read_value(binding) for binding in bindings if binding.key}


def free_port() -> int:
    """Return a port that no program listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def require_free_port(port: int, purpose: str, variable: str) -> None:
    """Refuse a port that another program uses.

    Raises:
        PortTakenError: The message names the port and the variable that changes it.
    """
    if _is_taken(port):
        raise PortTakenError(
            f"Another program uses port {port}, which {purpose} needs. "
            f"Stop that program, or choose another port: {variable}={port + 1} make ..."
        )


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # Without this option, a stopped server's lingering connections keep the port taken for a minute.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def _read_port(env: Mapping[str, str], name: str, stored: object) -> int:
    variable = PORT_VARIABLES[name]
    text = env.get(variable)
    if not text:
        known = stored.get(name) if isinstance(stored, dict) else None
        return known if isinstance(known, int) else DEFAULT_PORTS[name]
    if not (text.isascii() and text.isdigit() and 1024 <= int(text) <= 65535):
        raise RefusedError(f"{variable} must be a port from 1024 to 65535, but is {text!r}.")
    return int(text)


def _is_assignment(binding: Binding) -> bool:
    return binding.value is not None and VARIABLE_NAME.fullmatch(binding.key or "") is not None


def _read_value(binding: Binding) -> str:
    single_quoted = SINGLE_QUOTED.search(binding.original.string)
    if single_quoted:
        # Unlike Compose, python-dotenv turns \\ into \ inside single quotes, which breaks JSON's escapes.
        return re.sub(r"(\\\\)|\\'", lambda escape: escape[1] or "'", single_quoted[1])
    return binding.value or ""


def _line_number(binding: Binding) -> int:
    statement = binding.original.string
    blank = statement[: len(statement) - len(statement.lstrip())]
    return int(binding.original.line) + blank.count("\n")
