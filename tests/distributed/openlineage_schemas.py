"""Validate OpenLineage events against the schemas that OpenLineage publishes.

AGORA_OPENLINEAGE_SPEC is the folder `spec` of a checkout of OpenLineage.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

SPEC = os.environ.get("AGORA_OPENLINEAGE_SPEC", "")
PUBLISHED = "https://openlineage.io/spec/"
FORMATS = FormatChecker()
FORMATS.checks("date-time", (TypeError, ValueError))(
    lambda text: datetime.fromisoformat(text).tzinfo is not None
)
FORMATS.checks("uri", (AttributeError, ValueError))(lambda text: bool(urlsplit(text).scheme))


def violations(event: dict[str, Any]) -> list[str]:
    """Return how a run event and its facets violate their schemas. Airflow's own facets have no schema."""
    found = _errors(event, {"$ref": event["schemaURL"]})
    for name, facet in _facets(event):
        if facet["_schemaURL"].startswith(PUBLISHED):
            found += _errors({name: facet}, {"$ref": facet["_schemaURL"].partition("#")[0]})
    return found


def _facets(event: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in (event["run"], event["job"], *event["inputs"], *event["outputs"]):
        for group in ("facets", "inputFacets", "outputFacets"):
            yield from part.get(group, {}).items()


def _errors(value: Any, schema: dict[str, Any]) -> list[str]:
    validator = Draft202012Validator(schema, registry=REGISTRY, format_checker=FORMATS)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def _read(address: str) -> Resource[Any]:
    """Return a schema by its file name. Schemas refer to each other with several versions in the address."""
    name = address.rpartition("/")[2]
    found = [Path(SPEC, name), Path(SPEC, "facets", name)]
    text = next(path for path in found if path.exists()).read_text("utf-8")
    return Resource.from_contents(json.loads(text))


REGISTRY: Registry[Any] = Registry(retrieve=_read)  # type: ignore[call-arg]  # attrs renames the parameter
