"""The command and environment of a container, as docker-compose.yaml and the Dockerfile define them.

Plain processes run with exactly these, so that a wrong setting fails a test without a Docker engine.
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
# The entry point of Airflow's image runs these unchanged, and passes any other command to `airflow`.
PROGRAMS = ("airflow", "python", "bash")
OUR_IMAGE = "${AGORA_IMAGE:-agora-airflow}"


@dataclass(frozen=True)
class Container:
    """The command and environment of a service's container."""

    command: list[str]
    environment: dict[str, str] = field(repr=False)


def container(service: str, variables: Mapping[str, str]) -> Container:
    """Return a service's container, as compose would create it.

    Args:
        service: Name of the service.
        variables: The variables in `.env`.

    Raises:
        ValueError: A required variable is absent; the message is from docker-compose.yaml.
    """
    definition = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))["services"][service]
    filled: dict[str, Any] = _interpolate({**definition, "image": ""}, variables)
    command = filled["command"]
    # A variable without a value is passed on if `.env` defines it.
    declared = {
        name: variables.get(name) if value is None else value for name, value in filled["environment"].items()
    }
    environment = {name: value for name, value in declared.items() if value is not None}
    if "env_file" in filled:
        environment = {**variables, **environment}
    if definition["image"] == OUR_IMAGE:
        command = command if command[0] in PROGRAMS else ["airflow", *command]
        environment = {**_image_environment(), **environment}
    return Container(command, environment)


def health_check(service: str) -> list[str]:
    """Return the health check command of a service's container."""
    definition = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))["services"][service]
    return list(definition["healthcheck"]["test"][1:])


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


def _image_environment() -> dict[str, str]:
    """Return the variables that the Dockerfile sets."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.removeprefix("ENV ") for line in text.splitlines() if line.startswith("ENV ")]
    return dict(part.split("=", 1) for line in lines for part in shlex.split(line))
