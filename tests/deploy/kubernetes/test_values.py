"""Checks of the values without Helm: parameters, settings, versions, secrets and environments."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path
from typing import Any

import airflow
import pytest
import yaml
from jsonschema import Draft202012Validator

import agora
from tests.deploy.kubernetes.values import EXECUTORS, KEYS, PARAMETERS, Values, leaves, merged
from tests.support.paths import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
# Addresses differ in a cluster.
ADDRESSES = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL"}
# Names of secret parameters, parameters that name a Secret or its key, and values that look like secrets.
SECRET = re.compile(r"(?i)password|secret|token|certificate|fernet|_key$")
REFERENCES = {*KEYS, "secretName", "secretKey"}
RANDOM = re.compile(r"[0-9a-f]{16}|^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])\S{20,}$|://\S*:\S*@")
PROBES = ("startupProbe", "livenessProbe")
RESOURCES = {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}}


@pytest.fixture(params=sorted(EXECUTORS))
def values(request: pytest.FixtureRequest) -> Values:
    return merged(request.param)


def settings(values: Values) -> dict[str, str]:
    """Return Airflow's settings from `config` and `env`, by environment variable."""
    found = {
        f"AIRFLOW__{section.upper()}__{key.upper()}": str(value)
        for section, options in values["config"].items()
        for key, value in options.items()
    }
    variables = {item["name"]: item["value"] for item in values["env"]}
    return found | {name: value for name, value in variables.items() if name.startswith("AIRFLOW__")}


def known_settings() -> set[str]:
    """Return every setting that Airflow or its Celery provider describes."""
    described: dict[str, Any] = yaml.safe_load(
        (Path(airflow.__file__).parent / "config_templates" / "config.yml").read_text("utf-8")
    )
    for path in (ROOT / ".venv-distributed").glob(
        "lib/python3*/site-packages/airflow/providers/celery/get_provider_info.py"
    ):
        described |= runpy.run_path(str(path))["get_provider_info"]()["config"]
    return {
        f"AIRFLOW__{section.upper()}__{key.upper()}"
        for section, content in described.items()
        for key in content["options"]
    }


def test_each_parameter_exists_in_the_chart_with_this_type(values: Values) -> None:
    assert [error.message for error in Draft202012Validator(PARAMETERS).iter_errors(values)] == []


@pytest.mark.parametrize(
    "mistake",
    [
        {"worker": {}},
        {"airflowVersion": 3.3},
        {"redis": {"passwordSecret": "agora-redis"}},
        {"env": [{"name": "A", "valueFrom": {}}]},
        {"workers": {"replicas": 2}},
        {"workers": {"celery": {"resources": RESOURCES}}},
        {"scheduler": {"resources": RESOURCES}},
        {"data": {"metadataSecretName": "agora-airflow"}},
        {"migrateDatabaseJob": {"restartPolicy": "OnFailure", "ttlSecondsAfterFinished": 86400}},
        {"redis": {"securityContexts": {"pod": {"runAsNonRoot": True}}}},
    ],
    ids=json.dumps,
)
def test_the_schema_refuses_a_mistake(values: Values, mistake: Values) -> None:
    assert not Draft202012Validator(PARAMETERS).is_valid(values | mistake)


def test_each_file_sets_its_executor() -> None:
    assert {file: merged(file)["executor"] for file in EXECUTORS} == EXECUTORS


def test_each_setting_exists_in_the_installed_airflow(values: Values) -> None:
    known, named = known_settings(), set(settings(values))
    if not any(name.startswith("AIRFLOW__CELERY__") for name in known):
        # requirements/distributed.txt is not installed here, so the Celery provider's settings are unknown.
        named = {name for name in named if not name.startswith("AIRFLOW__CELERY__")}
    assert len(named) > 3
    assert named - known == set()


def test_settings_match_compose(values: Values) -> None:
    compose, here = COMPOSE["worker"]["environment"], settings(values)
    shared = (set(here) & set(compose)) - ADDRESSES
    assert len(shared) > 2
    assert {name: here[name] for name in shared} == {name: compose[name] for name in shared}


def test_versions_match_the_image_and_compose(values: Values) -> None:
    base = re.search(r"FROM apache/airflow:slim-([\d.]+)-python", DOCKERFILE)
    assert base
    assert values["airflowVersion"] == base[1] == airflow.__version__
    assert values["defaultAirflowTag"] == agora.__version__
    assert COMPOSE["init"]["image"] == f"${{AGORA_IMAGE:-{values['defaultAirflowRepository']}}}"
    if values["executor"] == "CeleryExecutor":
        image = values["images"]["redis"]
        assert f"{image['repository']}:{image['tag']}" == COMPOSE["redis"]["image"]


def secrets_in(values: Values) -> list[str]:
    """Return values that are secrets according to their parameter, their variable or their appearance."""
    by_name = [
        str(value)
        for path, value in leaves(values)
        if SECRET.search(path[-1]) and path[-1] not in REFERENCES and not isinstance(value, bool)
    ]
    literals = [item for item in [*values["env"], *values["migrateDatabaseJob"]["env"]] if "value" in item]
    by_variable = [item["value"] for item in literals if SECRET.search(item["name"])]
    by_appearance = [str(value) for _, value in leaves(values) if RANDOM.search(str(value))]
    return by_name + by_variable + by_appearance


def test_no_value_is_a_secret(values: Values) -> None:
    assert secrets_in(values) == []


@pytest.mark.parametrize(
    "mistake",
    [
        {"fernetKey": "hunter2"},
        {"redis": {"password": "hunter2"}},
        {"env": [{"name": "AGORA_OWNER_PASSWORD", "value": "hunter2"}]},
        {"config": {"api": {"anything": "0123456789abcdef0123"}}},
        {"data": {"brokerUrl": "redis://:hunter2@redis:6379/0"}},
    ],
    ids=json.dumps,
)
def test_the_search_for_secrets_finds_them(values: Values, mistake: Values) -> None:
    assert secrets_in(values | mistake)


def compose_variables(service: dict[str, Any]) -> set[str]:
    """Return the variables that compose itself sets for a service, without Airflow's settings."""
    set_here = {name for name, value in service["environment"].items() if value not in ("", None)}
    return {name for name in set_here if not name.startswith("AIRFLOW__")}


def test_the_job_has_the_environment_of_init_in_compose(values: Values) -> None:
    shared = compose_variables(COMPOSE["init"])
    from_env_file = {"AIRFLOW_CONN_AGORA_DASHBOARD", "AIRFLOW_VAR_AGORA_APPS"}
    job = values["migrateDatabaseJob"]
    assert {item["name"] for item in job["env"]} == shared | from_env_file
    assert not job["applyCustomEnv"]
    assert job["args"] == COMPOSE["init"]["command"]


def test_every_pod_has_the_environment_of_services_in_compose(values: Values) -> None:
    variables = [item["name"] for item in values["env"]] + [item["envName"] for item in values["secret"]]
    assert sorted(variables) == sorted(compose_variables(COMPOSE["scheduler"]))


def test_the_metadata_database_is_not_offered_to_tasks_as_a_connection(values: Values) -> None:
    assert values["enableBuiltInSecretEnvVars"] == {"AIRFLOW_CONN_AIRFLOW_DB": False}


def test_containers_do_not_wait_for_the_database_that_the_job_creates(values: Values) -> None:
    assert {"name": "CONNECTION_CHECK_MAX_COUNT", "value": "0"} in values["env"]


def test_the_chart_creates_no_user_and_no_database(values: Values) -> None:
    assert not values["createUserJob"]["enabled"]
    assert not values["postgresql"]["enabled"]


def test_kubernetes_executor_pods_have_the_environment_of_celery_workers() -> None:
    """The chart gives `env` and `config` to both. Differences could only be in `workers`."""
    celery, pods = merged("celery.yaml"), merged("executor.yaml")
    assert celery["env"] == pods["env"]
    assert set(settings(celery)) ^ set(settings(pods)) == {"AIRFLOW__CELERY__WORKER_CONCURRENCY"}
    assert "env" not in celery["workers"]["celery"]
    assert "env" not in pods["workers"]["kubernetes"]
    assert "images" not in pods or "pod_template" not in pods["images"]


def test_each_probe_matches_compose(values: Values) -> None:
    parts = {
        "scheduler": values["scheduler"],
        "dag-processor": values["dagProcessor"],
        "triggerer": values["triggerer"],
        "worker": values["workers"].get("celery", {}),
    }
    for name, part in parts.items():
        for probe in set(PROBES) & set(part):
            assert ["CMD", *part[probe]["command"]] == COMPOSE[name]["healthcheck"]["test"]


def test_every_pod_has_a_memory_limit(values: Values) -> None:
    parts = ("migrateDatabaseJob", "apiServer", "scheduler", "dagProcessor", "triggerer")
    pods = [*(values[part] for part in parts), *values["workers"].values()]
    assert all(pod["resources"]["limits"]["memory"] for pod in pods)
