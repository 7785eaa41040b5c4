"""What docker-compose.yaml says, before anything is started."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.distributed.engine.engine import Engine
from tests.distributed.engine.installation import Installation, copy_tree

ALL = ("--profile", "sandbox", "--profile", "grafana")
OURS = "agora-airflow"
ENDS_BY_ITSELF = {"init", "sandbox-account"}


@pytest.fixture(scope="module")
def folder(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("folder")
    copy_tree(directory)
    return directory


@pytest.fixture(scope="module")
def services(engine: Engine, folder: Path) -> dict[str, dict[str, Any]]:
    Installation(engine, folder).make("secrets")
    told = engine.docker("compose", *ALL, "config", "--format", "json", directory=folder).stdout
    return dict(json.loads(told)["services"])


def test_without_secrets_it_stops_with_a_sentence_that_names_the_command(
    engine: Engine, folder: Path
) -> None:
    assert not (folder / ".env").exists()
    answer = engine.docker("compose", "config", directory=folder, check=False)
    assert answer.returncode
    assert "make secrets" in answer.stderr


def test_every_secret_has_to_be_there(engine: Engine, folder: Path, services: dict[str, Any]) -> None:
    env = folder / ".env"
    whole = env.read_text()
    optional = ("AGORA_SANDBOX_CUSTOMER_ID", "AGORA_SANDBOX_CUSTOMER_CERTIFICATE")
    try:
        for line in whole.splitlines():
            name = line.partition("=")[0]
            if name.startswith("AGORA_") and name not in optional:
                env.write_text(whole.replace(line, ""))
                answer = engine.docker("compose", *ALL, "config", "--quiet", directory=folder, check=False)
                assert answer.returncode, f"nothing misses {name}"
                assert name in answer.stderr
                assert "make secrets" in answer.stderr
    finally:
        env.write_text(whole)


def test_its_services_are_those_of_the_documents(services: dict[str, Any]) -> None:
    airflow = {"init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
    assert set(services) == airflow | {"postgres", "redis", "sandbox", "sandbox-account", "grafana"}


def test_every_image_is_pinned_and_ours_is_one(services: dict[str, Any]) -> None:
    # Built once: builds of one image for many services, side by side, fail.
    assert [name for name, service in services.items() if "build" in service] == ["init"]
    others = {service["image"] for service in services.values()} - {OURS}
    assert all(re.search(r":\d+\.\d+", image) for image in others), others


def test_every_service_has_a_limit_of_memory_and_its_health_is_checked(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if not service.get("mem_limit")} == set()
    unchecked = {name for name, service in services.items() if not service.get("healthcheck", {}).get("test")}
    # Grafana's image brings none, and nothing waits for it.
    assert unchecked <= ENDS_BY_ITSELF | {"grafana"}


def test_no_service_fills_the_disk_with_what_it_says(services: dict[str, Any]) -> None:
    assert {service["logging"]["driver"] for service in services.values()} == {"local"}  # which rotates


def test_only_the_user_interfaces_are_published_and_on_loopback(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(published) == {"api-server", "grafana"}
    assert {port["host_ip"] for ports in published.values() for port in ports} == {"127.0.0.1"}


def test_no_service_is_privileged_or_sees_the_host(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert not service.get("privileged"), name
        assert service.get("network_mode") is None, name
        assert "no-new-privileges:true" in service["security_opt"], name
        if service["image"] == OURS:
            assert service["cap_drop"] == ["ALL"], name
