"""Where the local stack keeps its state and on which ports it listens, read from the environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded.errors import RefusedError, StackError
from embedded.private_file import write_private

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PORT_VARIABLES = {"ui": "AGORA_UI_PORT", "pg": "AGORA_PG_PORT", "sandbox": "AGORA_SANDBOX_PORT"}
DEFAULT_PORTS = {"ui": 8080, "pg": 54320, "sandbox": 8090}


@dataclass(frozen=True)
class Settings:
    """Paths and ports of one local stack; two stacks differ in all of them."""

    state: Path
    ui_port: int
    pg_port: int
    sandbox_port: int
    pg_bin: Path | None = None
    root: Path = ROOT

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings: the environment first, then what the state remembers, then the defaults.

        Args:
            environ: Variables to read; the process's own when absent.

        Raises:
            StackError: A value is no port number.
        """
        env = os.environ if environ is None else environ
        state = ROOT / (env.get("AGORA_LOCAL_DIR") or ".local")
        remembered = StateFile(state / "state.json").read().get("ports", {})
        ports = {name: _port(env, name, remembered) for name in PORT_VARIABLES}
        if len(set(ports.values())) < len(ports):
            raise RefusedError(f"{', '.join(PORT_VARIABLES.values())} must be three different ports.")
        pg_bin = env.get("AGORA_PG_BIN")
        return cls(state, ports["ui"], ports["pg"], ports["sandbox"], Path(pg_bin) if pg_bin else None)

    @property
    def ports(self) -> dict[str, int]:
        """The three ports, by the names that the state remembers."""
        return {"ui": self.ui_port, "pg": self.pg_port, "sandbox": self.sandbox_port}

    @property
    def ui_url(self) -> str:
        """Address of Airflow's UI and API."""
        return f"http://{HOST}:{self.ui_port}"

    @property
    def sandbox_url(self) -> str:
        """Address of the sandbox API."""
        return f"http://{HOST}:{self.sandbox_port}"

    @property
    def log_dir(self) -> Path:
        """One log file a service."""
        return self.state / "log"

    @property
    def run_dir(self) -> Path:
        """One record a running service."""
        return self.state / "run"

    @property
    def airflow_home(self) -> Path:
        """Airflow's own directory: its configuration file, task logs, password file."""
        return self.state / "airflow"

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.state / "postgres"

    @property
    def state_file(self) -> StateFile:
        """What is remembered between two commands."""
        return StateFile(self.state / "state.json")

    def make_directories(self) -> None:
        """Create the state directories, closed to others."""
        for directory in (self.state, self.log_dir, self.run_dir, self.airflow_home):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)


@dataclass(frozen=True)
class StateFile:
    """What the stack remembers between two commands: mode, ports, what Airflow's database was migrated to."""

    path: Path

    def read(self) -> dict[str, Any]:
        """Return everything remembered, nothing if the stack was never started."""
        try:
            return dict(json.loads(self.path.read_text()))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise StackError(f"{self.path} cannot be read ({error}). `make clean` starts over.") from None

    def remember(self, **values: object) -> None:
        """Add values to what is remembered."""
        write_private(self.path, json.dumps({**self.read(), **values}, indent=2) + "\n")


def _port(env: Mapping[str, str], name: str, remembered: object) -> int:
    variable = PORT_VARIABLES[name]
    text = env.get(variable)
    if not text:
        known = remembered.get(name) if isinstance(remembered, dict) else None
        return known if isinstance(known, int) else DEFAULT_PORTS[name]
    if not (text.isascii() and text.isdigit() and 1024 <= int(text) <= 65535):
        raise RefusedError(f"{variable} is {text!r}; a port from 1024 to 65535 is wanted.")
    return int(text)
