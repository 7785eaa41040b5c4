"""The manifests that Helm renders from the values. AGORA_HELM_CHART is the chart's folder or archive.

Helm itself checks the values against the chart's schema before it renders them. Helm accepts most misspelled
parameters, so a test compares the list in parameters.schema.json with the chart.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.deploy.kubernetes.values import (
    EXECUTORS,
    FOLDER,
    PARAMETERS,
    VERSIONS,
    Values,
    merged,
    secret_keys,
)

CHART = os.environ.get("AGORA_HELM_CHART", "")
VERSION = "1.22.0"

pytestmark = pytest.mark.skipif(
    not CHART,
    reason=f"AGORA_HELM_CHART does not name the chart apache-airflow/airflow {VERSION} for Helm to render",
)


def helm(*arguments: str) -> str:
    done = subprocess.run(["helm", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def chart_file(name: str) -> bytes:
    if Path(CHART).is_dir():
        return (Path(CHART) / name).read_bytes()
    with tarfile.open(CHART) as archive:
        content = archive.extractfile(f"airflow/{name}")
        assert content
        return content.read()


def arguments(file: str) -> list[str]:
    return ["agora", CHART, "-f", str(FOLDER / "values.yaml"), "-f", str(FOLDER / file)]


@pytest.fixture(scope="module", params=sorted(EXECUTORS))
def file(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def manifests(file: str) -> list[Values]:
    """Return the manifests, with the Kubernetes executor's task pod as an additional one."""
    found = [manifest for manifest in yaml.safe_load_all(helm("template", *arguments(file))) if manifest]
    for manifest in found:
        if manifest["kind"] == "ConfigMap" and "pod_template_file.yaml" in manifest["data"]:
            return [*found, yaml.safe_load(manifest["data"]["pod_template_file.yaml"])]
    return found


def pods(manifests: list[Values]) -> Iterator[tuple[str, Values]]:
    """Yield every pod's name and specification. The Kubernetes executor's pod is `task`."""
    for manifest in manifests:
        if manifest["kind"] == "Pod":
            yield "task", manifest["spec"]
        elif "template" in manifest.get("spec", {}):
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]


def containers(manifests: list[Values]) -> Iterator[tuple[str, Values]]:
    """Yield every container, with its pod's security context where the container has none of its own."""
    for name, pod in pods(manifests):
        for container in [*(pod.get("initContainers") or []), *pod["containers"]]:
            security = (pod.get("securityContext") or {}) | (container.get("securityContext") or {})
            yield f"{name}/{container['name']}", container | {"securityContext": security}


def variables(container: Values) -> dict[str, Any]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container.get("env", [])}


def unknown(parameters: Values, chart: Values, path: str = "") -> list[str]:
    """Return the listed parameters that the chart's schema lacks. Objects without properties accept all."""
    if "$ref" in parameters:
        parameters = PARAMETERS["$defs"][parameters["$ref"].rpartition("/")[2]]
    known = chart.get("properties")
    if known is None:
        return []
    return [
        name
        for key, inner in parameters.get("properties", {}).items()
        for name in (unknown(inner, known[key], f"{path}.{key}") if key in known else [f"{path}.{key}"])
    ]


def test_the_chart_is_the_documented_version() -> None:
    assert yaml.safe_load(chart_file("Chart.yaml"))["version"] == VERSION


def test_the_chart_has_every_listed_parameter() -> None:
    assert unknown(PARAMETERS, json.loads(chart_file("values.schema.json"))) == []


def test_the_chart_warns_of_nothing(file: str) -> None:
    _, _, notes = helm("install", *arguments(file), "--dry-run=client").partition("\nNOTES:\n")
    assert "Your release is named agora" in notes
    assert "WARNING" not in notes


def test_every_part_is_rendered(file: str, manifests: list[Values]) -> None:
    parts = {name.removeprefix("agora-") for name, _ in pods(manifests)}
    common = {"api-server", "scheduler", "dag-processor", "triggerer", "run-airflow-migrations"}
    own = {"celery.yaml": {"worker", "redis"}, "executor.yaml": {"task"}}
    assert parts == common | own[file]


@pytest.mark.parametrize("version", VERSIONS)
def test_each_manifest_matches_the_strict_schema(manifests: list[Values], version: str) -> None:
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_no_name_or_path_occurs_twice_in_a_pod(manifests: list[Values]) -> None:
    """Server-side apply refuses duplicates."""
    named = [(pod, [volume["name"] for volume in spec.get("volumes") or []]) for pod, spec in pods(manifests)]
    for name, container in containers(manifests):
        named += [
            (f"{name} env", [item["name"] for item in container.get("env") or []]),
            (f"{name} mounts", [item["mountPath"] for item in container.get("volumeMounts") or []]),
            (f"{name} ports", [item["containerPort"] for item in container.get("ports") or []]),
        ]
    assert {place: names for place, names in named if max(Counter(names).values(), default=1) > 1} == {}


def test_each_reference_names_a_manifest(manifests: list[Values]) -> None:
    existing = {(manifest["kind"], manifest["metadata"]["name"]) for manifest in manifests}
    used = set()
    for _, pod in pods(manifests):
        used.add(("ServiceAccount", pod.get("serviceAccountName", "default")))
        for volume in pod.get("volumes") or []:
            if "configMap" in volume:
                used.add(("ConfigMap", volume["configMap"]["name"]))
            if "persistentVolumeClaim" in volume:
                used.add(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
    assert used - existing == set()


def test_each_container_has_requests_and_a_memory_limit(manifests: list[Values]) -> None:
    resources = {name: container.get("resources") or {} for name, container in containers(manifests)}
    assert {
        name
        for name, amounts in resources.items()
        if not {"cpu", "memory"} <= set(amounts.get("requests", {}))
        or "memory" not in amounts.get("limits", {})
    } == set()


def test_each_container_meets_the_restricted_pod_security_standard(manifests: list[Values]) -> None:
    for name, container in containers(manifests):
        security = container["securityContext"]
        assert security.get("runAsNonRoot") is True, name
        assert security.get("allowPrivilegeEscalation") is False, name
        assert security.get("capabilities") == {"drop": ["ALL"]}, name
        assert security.get("seccompProfile") == {"type": "RuntimeDefault"}, name


def test_pods_of_a_failed_job_are_kept_for_a_day(manifests: list[Values]) -> None:
    (job,) = [manifest["spec"] for manifest in manifests if manifest["kind"] == "Job"]
    assert job["template"]["spec"]["restartPolicy"] == "Never"
    assert job["ttlSecondsAfterFinished"] == 24 * 60 * 60


def test_all_containers_use_the_same_image(manifests: list[Values]) -> None:
    values = merged("celery.yaml")
    own = f"{values['defaultAirflowRepository']}:{values['defaultAirflowTag']}"
    redis = ":".join(values["images"]["redis"].values())
    assert {
        name: container["image"]
        for name, container in containers(manifests)
        if container["image"] != (redis if name.startswith("agora-redis/") else own)
    } == {}


def test_secrets_are_referenced_but_not_created(file: str, manifests: list[Values]) -> None:
    used = {
        (reference["secretKeyRef"]["name"], reference["secretKeyRef"]["key"])
        for _, container in containers(manifests)
        for reference in variables(container).values()
        if isinstance(reference, dict) and "secretKeyRef" in reference
    }
    assert used <= secret_keys(merged(file))
    assert [manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Secret"] == []


def test_only_the_job_prepares_the_databases_and_has_their_passwords(manifests: list[Values]) -> None:
    with_passwords = {
        name: container["args"]
        for name, container in containers(manifests)
        if any(variable.startswith("AGORA_") for variable in variables(container))
    }
    assert with_passwords == {
        "agora-run-airflow-migrations/run-airflow-migrations": merged("celery.yaml")["migrateDatabaseJob"][
            "args"
        ]
    }


def test_tasks_get_the_same_environment_with_both_executors(file: str, manifests: list[Values]) -> None:
    task = {"celery.yaml": "agora-worker/worker", "executor.yaml": "task/base"}[file]
    environment = variables(dict(containers(manifests))[task])
    assert environment["CONNECTION_CHECK_MAX_COUNT"] == "0"
    assert "AIRFLOW_CONN_AIRFLOW_DB" not in environment
    names = (
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AIRFLOW_CONN_AGORA_WAREHOUSE",
    )
    for setting in names:
        assert environment[setting]["secretKeyRef"]["name"] == "agora-airflow"
