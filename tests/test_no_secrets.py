"""The product's files contain no passwords, and every exception from a security rule has a reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tests.support.paths import ROOT

pytestmark = pytest.mark.unit

PRODUCT = ("plugins", "dags", "deploy", "sandbox", "sql", "bin", "docs", ".ci")
OTHER_FILES = ("README.md", "Makefile", ".env.example", "pyproject.toml", "docker-compose.yaml", "Dockerfile")
TEXT_SUFFIXES = {".py", ".sql", ".md", ".toml", ".txt", ".yaml", ".yml", ".sh", ""}
# The name of a secret, followed by a literal of at least three characters that is not a placeholder.
LITERAL = re.compile(
    r"""(?ix) (?:password|passwd|secret|certificate|token|api_?key)["']? \s* (?:=|:|\s) \s*
    (["']) (?![{<$%…]) [^"'\s]{3,} \1 (?!\s*[:\]])"""
)
IN_URL = re.compile(r"://\w+:(?!\*\*\*|…|\{|\$)[^@\s/]+@")


def files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    return [
        path
        for path in [*found, *(ROOT / name for name in OTHER_FILES)]
        if path.is_file() and path.suffix in TEXT_SUFFIXES and "__pycache__" not in path.parts
    ]


def secrets_in(text: str) -> list[str]:
    return [found.group() for pattern in (LITERAL, IN_URL) for found in pattern.finditer(text)]


def test_the_product_contains_no_password() -> None:
    found = {str(path.relative_to(ROOT)): secrets_in(path.read_text("utf-8")) for path in files(*PRODUCT)}
    assert len(found) > 100
    assert {name: secrets for name, secrets in found.items() if secrets} == {}


@pytest.mark.parametrize(
    "line",
    [
        'password="hunter2"',
        "PASSWORD: 'hunter2'",
        '"customer_certificate": "abcdef0123"',
        "alter role loader password 'loader'",
        "url = 'postgresql://loader:loader@localhost/warehouse'",
    ],
)
def test_the_password_search_finds_literals(line: str) -> None:
    assert secrets_in(line)


def test_privileged_passwords_reach_only_the_containers_that_need_them() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yaml").read_text("utf-8"))["services"]
    containers = {
        password: {name for name, service in services.items() if f"AGORA_{password}_PASSWORD" in str(service)}
        for password in ("POSTGRES", "OWNER", "ANALYST", "ADMIN")
    }
    assert containers == {
        "POSTGRES": {"postgres", "init"},
        "OWNER": {"init"},
        "ANALYST": {"init", "grafana"},
        "ADMIN": {"init"},
    }
    assert [name for name, service in services.items() if "env_file" in service] == ["init"]


def test_every_exception_from_a_security_rule_has_a_reason() -> None:
    sources = [path for path in files(*PRODUCT, "tests") if path.suffix == ".py"]
    exceptions = [
        line.strip()
        for path in sources
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"# noqa: .*\bS\d", line)
    ]
    assert len(exceptions) > 5
    assert [line for line in exceptions if not re.search(r"# noqa: [A-Z0-9, ]+ - \w", line)] == []
