"""What docker-compose.yaml and the Dockerfile give a container: its command and its environment.

So plain processes run with just that, and a wrong setting fails without an engine.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.support.paths import ROOT

VARIABLE = re.compile(r"\$(?:\$|\{(?P<name>\w+)(?:(?P<operator>:[-?])(?P<text>(?:[^{}]|\$\{[^{}]*\})*))?\})")
# The entry point of Airflow's image takes these as they are, and anything else as a command of Airflow's.
PROGRAMS = ("airflow", "python", "bash")
OUR_IMAGE = "${AGORA_IMAGE:-agora-airflow}"


@dataclass(frozen=True)
class Container:
    """What a service's container runs, and in which environment."""

    command: list[str]
    environment: dict[str, str] = field(repr=False)


def container(service: str, variables: Mapping[str, str]) -> Container:
    """Return what compose makes of a service.

    Args:
        service: Its name.
        variables: What `.env` says.

    Raises:
        ValueError: The file wants a variable that is absent; the text is the file's.
    """
    described = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))["services"][service]
    filled: dict[str, Any] = _interpolate({**described, "image": ""}, variables)
    command = filled["command"]
    # A name without a value is passed on where `.env` has it.
    given = {
        name: variables.get(name) if value is None else value for name, value in filled["environment"].items()
    }
    environment = {name: value for name, value in given.items() if value is not None}
    if "env_file" in filled:
        environment = {**variables, **environment}
    if described["image"] == OUR_IMAGE:
        command = command if command[0] in PROGRAMS else ["airflow", *command]
        environment = {**_of_image(), **environment}
    return Container(command, environment)


def health_check(service: str) -> list[str]:
    """Return the command that tells whether a service's container is healthy."""
    described = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))["services"][service]
    return list(described["healthcheck"]["test"][1:])


def _interpolate(thing: Any, variables: Mapping[str, str]) -> Any:
    if isinstance(thing, dict):
        return {name: _interpolate(part, variables) for name, part in thing.items()}
    if isinstance(thing, list):
        return [_interpolate(part, variables) for part in thing]
    return VARIABLE.sub(lambda found: _value(found, variables), thing) if isinstance(thing, str) else thing


def _value(found: re.Match[str], variables: Mapping[str, str]) -> str:
    name, operator, text = found["name"], found["operator"], found["text"]
    if name is None:
        return "$"
    value = variables.get(name, "")
    if value or operator is None:
        return value
    if operator == ":?":
        raise ValueError(f"{name}: {text}")
    return str(_interpolate(text, variables))


def _of_image() -> dict[str, str]:
    """Return the variables that the Dockerfile sets."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.removeprefix("ENV ") for line in text.splitlines() if line.startswith("ENV ")]
    return dict(part.split("=", 1) for line in lines for part in shlex.split(line))
