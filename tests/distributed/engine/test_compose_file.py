"""The content of docker-compose.yaml, checked without starting anything."""

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
ONE_SHOT = {"init", "sandbox-account"}


@pytest.fixture(scope="module")
def folder(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("folder")
    copy_tree(directory)
    return directory


@pytest.fixture(scope="module")
def services(engine: Engine, folder: Path) -> dict[str, dict[str, Any]]:
    Installation(engine, folder).make("secrets")
    config = engine.docker("compose", *ALL, "config", "--format", "json", directory=folder).stdout
    return dict(json.loads(config)["services"])


def test_without_secrets_compose_fails_and_names_the_command(engine: Engine, folder: Path) -> None:
    assert not (folder / ".env").exists()
    result = engine.docker("compose", "config", directory=folder, check=False)
    assert result.returncode
    assert "make secrets" in result.stderr


def test_every_secret_is_required(engine: Engine, folder: Path, services: dict[str, Any]) -> None:
    env = folder / ".env"
    complete = env.read_text()
    optional = ("AGORA_SANDBOX_CUSTOMER_ID", "AGORA_SANDBOX_CUSTOMER_CERTIFICATE")
    try:
        for line in complete.splitlines():
            name = line.partition("=")[0]
            if name.startswith("AGORA_") and name not in optional:
                env.write_text(complete.replace(line, ""))
                result = engine.docker("compose", *ALL, "config", "--quiet", directory=folder, check=False)
                assert result.returncode, f"compose accepts the absence of {name}"
                assert name in result.stderr
                assert "make secrets" in result.stderr
    finally:
        env.write_text(complete)


def test_services_match_the_documentation(services: dict[str, Any]) -> None:
    airflow = {"init", "api-server", "scheduler", "dag-processor", "triggerer", "worker"}
    assert set(services) == airflow | {"postgres", "redis", "sandbox", "sandbox-account", "grafana"}


def test_every_image_is_pinned_and_ours_is_built_once(services: dict[str, Any]) -> None:
    # Our image is built once, because parallel builds of one image for several services fail.
    assert [name for name, service in services.items() if "build" in service] == ["init"]
    others = {service["image"] for service in services.values()} - {OURS}
    assert all(re.search(r":\d+\.\d+", image) for image in others), others


def test_every_service_has_a_memory_limit_and_a_health_check(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if not service.get("mem_limit")} == set()
    unchecked = {name for name, service in services.items() if not service.get("healthcheck", {}).get("test")}
    # Grafana's image has no health check, and no service waits for Grafana.
    assert unchecked <= ONE_SHOT | {"grafana"}


def test_no_service_fills_the_disk_with_logs(services: dict[str, Any]) -> None:
    assert {service["logging"]["driver"] for service in services.values()} == {"local"}  # rotates logs


def test_only_the_user_interfaces_are_published_and_on_loopback(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(published) == {"api-server", "grafana"}
    assert {port["host_ip"] for ports in published.values() for port in ports} == {"127.0.0.1"}


def test_no_service_is_privileged_or_uses_the_host_network(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert not service.get("privileged"), name
        assert service.get("network_mode") is None, name
        assert "no-new-privileges:true" in service["security_opt"], name
        if service["image"] == OURS:
            assert service["cap_drop"] == ["ALL"], name
