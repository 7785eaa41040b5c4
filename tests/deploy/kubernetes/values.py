"""The values as Helm merges them, and the Secrets that they reference."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.support.paths import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
PARAMETERS = json.loads(Path(__file__).with_name("parameters.schema.json").read_text("utf-8"))
# The Kubernetes versions whose strict schemas the manifests match.
VERSIONS = ("1.32", "1.37")
EXECUTORS = {"celery.yaml": "CeleryExecutor", "executor.yaml": "KubernetesExecutor"}
# The key that the chart reads from each Secret that a parameter names.
KEYS = {
    "fernetKeySecretName": "fernet-key",
    "apiSecretKeySecretName": "api-secret-key",
    "jwtSecretName": "jwt-secret",
    "metadataSecretName": "connection",
    "brokerUrlSecretName": "connection",
    "passwordSecretName": "password",
}

Values = dict[str, Any]


def merged(file: str) -> Values:
    """Return the values for `-f deploy/kubernetes/values.yaml -f deploy/kubernetes/<file>`."""
    return _merge(_read("values.yaml"), _read(file))


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every single value with the keys that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, str(index)))
    else:
        yield path, value


def secret_keys(values: Values) -> set[tuple[str, str]]:
    """Return every referenced key of a Secret, with the Secret's name."""
    named = {(str(value), KEYS[path[-1]]) for path, value in leaves(values) if path[-1] in KEYS}
    variables = {(item["secretName"], item["secretKey"]) for item in values["secret"]}
    return named | variables | {(ref["name"], ref["key"]) for ref in job_secrets(values).values()}


def job_secrets(values: Values) -> dict[str, Values]:
    """Return the source of each secret variable of the job that prepares the databases."""
    return {
        item["name"]: item["valueFrom"]["secretKeyRef"]
        for item in values["migrateDatabaseJob"]["env"]
        if "valueFrom" in item
    }


def _read(file: str) -> Values:
    return dict(yaml.safe_load((FOLDER / file).read_text("utf-8")))


def _merge(base: Values, over: Mapping[str, Any]) -> Values:
    """Merge maps and replace any other value, as Helm does."""
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        result[key] = _merge(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result
