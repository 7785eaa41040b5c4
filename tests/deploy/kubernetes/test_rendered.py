"""The manifests that Helm renders from the values, if Helm and the chart are available.

AGORA_HELM_CHART is the chart's folder or archive. Helm itself checks the values against the chart's schema
before it renders them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.deploy.kubernetes.values import EXECUTORS, FOLDER, Values, merged, secret_keys

CHART = os.environ.get("AGORA_HELM_CHART")

pytestmark = pytest.mark.skipif(
    not (CHART and shutil.which("helm")),
    reason="rendering needs helm and, in AGORA_HELM_CHART, the chart apache-airflow/airflow 1.22.0",
)


@pytest.fixture(scope="module", params=sorted(EXECUTORS))
def file(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def manifests(file: str) -> list[Values]:
    files = ["-f", str(FOLDER / "values.yaml"), "-f", str(FOLDER / file)]
    done = subprocess.run(
        ["helm", "template", "agora", str(CHART), *files], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def pods(manifests: list[Values]) -> Iterator[tuple[str, Values]]:
    """Yield every pod's name and specification, including the Kubernetes executor's task pod."""
    for manifest in manifests:
        name = manifest["metadata"]["name"]
        template = manifest.get("spec", {}).get("template")
        if template:
            yield name, template["spec"]
        inner = manifest.get("data", {}).get("pod_template_file.yaml")
        if manifest["kind"] == "ConfigMap" and inner:
            yield "task", yaml.safe_load(inner)["spec"]


def containers(manifests: list[Values]) -> Iterator[tuple[str, Values]]:
    for name, pod in pods(manifests):
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            yield f"{name}/{container['name']}", container


def variables(container: Values) -> dict[str, Any]:
    return {item["name"]: item.get("value", item.get("valueFrom")) for item in container.get("env", [])}


def test_every_part_is_rendered(file: str, manifests: list[Values]) -> None:
    parts = {name.removeprefix("agora-") for name, _ in pods(manifests)}
    common = {"api-server", "scheduler", "dag-processor", "triggerer", "run-airflow-migrations"}
    own = {"celery.yaml": {"worker", "redis"}, "executor.yaml": {"task"}}
    assert parts == common | own[file]


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
