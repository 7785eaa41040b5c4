"""The Secrets created from .env have every key that the values name."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.deploy.kubernetes.values import EXECUTORS, VERSIONS, job_secrets, merged, secret_keys
from tests.support.paths import ROOT

PASSWORD_LENGTH = 16
ACCOUNT = """AGORA_DATABASE_HOST=postgres.example.com
AIRFLOW_CONN_AGORA_DASHBOARD='{"conn_type": "agora_dashboard", "login": "id", "password": "it is"}'
AIRFLOW_VAR_AGORA_APPS='["app"]'
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree with the two scripts and an .env from `make secrets`, extended by an account."""
    for script in ("deploy/kubernetes/secrets.sh", "deploy/compose/secrets.sh"):
        (tmp_path / script).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / script, tmp_path / script)
    subprocess.run(["sh", "deploy/compose/secrets.sh"], cwd=tmp_path, check=True, capture_output=True)
    with (tmp_path / ".env").open("a", encoding="utf-8") as env:
        env.write(ACCOUNT)
    return tmp_path


def run(tree: Path, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": path, "HOME": str(tree)}
    script = ["sh", "deploy/kubernetes/secrets.sh"]
    return subprocess.run(script, cwd=tree, env=environment, check=False, capture_output=True, text=True)


def secrets(tree: Path) -> dict[tuple[str, str], str]:
    done = run(tree)
    assert done.returncode == 0, done.stderr
    return {
        (manifest["metadata"]["name"], key): base64.b64decode(value).decode()
        for manifest in yaml.safe_load_all(done.stdout)
        for key, value in manifest["data"].items()
    }


def dotenv(tree: Path) -> dict[str, str]:
    lines = (tree / ".env").read_text("utf-8").splitlines()
    return {name: value.strip("'") for name, _, value in (line.partition("=") for line in lines)}


def test_secrets_have_exactly_the_keys_that_the_values_name(tree: Path) -> None:
    expected = set().union(*(secret_keys(merged(file)) for file in EXECUTORS))
    assert set(secrets(tree)) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_each_secret_matches_the_strict_schema(tree: Path, version: str) -> None:
    manifests = list(yaml.safe_load_all(run(tree).stdout))
    assert len(manifests) == 3
    for manifest in manifests:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_secrets_contain_the_values_from_dotenv(tree: Path) -> None:
    made, env = secrets(tree), dotenv(tree)
    assert made["agora-airflow", "fernet-key"] == env["AGORA_FERNET_KEY"]
    assert made["agora-airflow", "connection"] == (
        f"postgresql+psycopg2://airflow:{env['AGORA_AIRFLOW_PASSWORD']}@postgres.example.com:5432/airflow"
    )
    assert made["agora-redis", "connection"].endswith(f":{env['AGORA_REDIS_PASSWORD']}@agora-redis:6379/0")
    warehouse = yaml.safe_load(made["agora-airflow", "warehouse"])
    assert (warehouse["login"], warehouse["password"]) == ("loader", env["AGORA_LOADER_PASSWORD"])
    for name in ("AGORA_OWNER_PASSWORD", "AIRFLOW_CONN_AGORA_DASHBOARD", "AIRFLOW_VAR_AGORA_APPS"):
        assert made["agora-installation", name] == env[name]


def test_secrets_are_created_without_superuser_and_account(tree: Path) -> None:
    env = tree / ".env"
    optional = {name for name, ref in job_secrets(merged("celery.yaml")).items() if ref.get("optional")}
    lines = [line for line in env.read_text("utf-8").splitlines() if line.partition("=")[0] not in optional]
    env.write_text("\n".join(lines), "utf-8")
    expected = set().union(*(secret_keys(merged(file)) for file in EXECUTORS))
    assert expected - set(secrets(tree)) == {("agora-installation", name) for name in optional}
    assert len(optional) == 3


def test_no_secret_is_a_command_line_argument(tree: Path) -> None:
    arguments, folder = tree / "arguments", tree / "bin"
    folder.mkdir()
    for command in ("base64", "tr"):
        spy = folder / command
        spy.write_text(
            f'#!/bin/sh\necho {command} "$@" >> {arguments}\nexec {shutil.which(command)} "$@"\n', "utf-8"
        )
        spy.chmod(0o755)
    count = len(secrets(tree))
    assert run(tree, f"{folder}:{os.environ['PATH']}").returncode == 0
    recorded = arguments.read_text("utf-8")
    assert recorded.count("base64") == count
    values = [value for value in dotenv(tree).values() if len(value) >= PASSWORD_LENGTH]
    assert [value for value in values if value in recorded] == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("AGORA_DATABASE_HOST=", "AGORA_DATABASE_HOST: is missing in .env: the PostgreSQL server"),
        ("AGORA_AIRFLOW_PASSWORD=p@ss", "AGORA_AIRFLOW_PASSWORD is part of an address"),
        ("AGORA_OWNER_PASSWORD=", "AGORA_OWNER_PASSWORD: is missing in .env: make secrets"),
    ],
)
def test_invalid_values_are_refused_with_an_explanation(tree: Path, line: str, message: str) -> None:
    with (tree / ".env").open("a", encoding="utf-8") as env:
        env.write(f"{line}\n")
    done = run(tree)
    assert done.returncode != 0
    assert message in done.stderr
    assert done.stdout == ""
