"""The `ca_file` setting: only a readable PEM file is accepted, and verification cannot be disabled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from agora.errors import SettingsError
from agora.settings.connections import DashboardSettings, parse_dashboard
from tests.client.certificates import Authority

pytestmark = pytest.mark.unit


def parsed(**fields: Any) -> DashboardSettings:
    return parse_dashboard("some_account", {"customer_id": "c", "customer_certificate": "secret", **fields})


def refusal(**fields: Any) -> str:
    with pytest.raises(SettingsError, match="The connection some_account is not usable: ") as refused:
        parsed(**fields)
    return str(refused.value)


@pytest.mark.parametrize("empty", [None, ""])
def test_without_a_file_the_systems_authorities_are_trusted(empty: str | None) -> None:
    assert parsed(ca_file=empty).ca_file is None


def test_a_pem_file_is_accepted(tmp_path: Path) -> None:
    file = Authority(tmp_path).ca_file
    assert parsed(ca_file=str(file)).ca_file == file


def test_a_file_with_several_authorities_is_accepted(tmp_path: Path) -> None:
    both = [Authority(tmp_path, name).ca_file.read_bytes() for name in ("one", "two")]
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(b"# for people\n" + b"\n".join(both))
    assert parsed(ca_file=str(bundle)).ca_file == bundle


def test_the_error_names_an_absent_file() -> None:
    assert "ca_file: Value error, the file '/absent.pem' cannot be read: No such file" in refusal(
        ca_file="/absent.pem"
    )


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert f"the file '{tmp_path}' cannot be read: Is a directory" in refusal(ca_file=str(tmp_path))


def private_key() -> bytes:
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no certificate",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        private_key(),
    ],
    ids=["empty", "text", "broken", "a private key"],
)
def test_a_file_without_certificates_is_refused_and_its_content_is_not_shown(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "some.pem"
    file.write_bytes(content)
    text = refusal(ca_file=str(file))
    assert f"the file '{file}' is not a PEM file with certificates" in text
    assert "BEGIN" not in text


def test_a_partly_broken_file_is_refused(tmp_path: Path) -> None:
    file = Authority(tmp_path).ca_file
    whole = file.read_bytes()
    file.write_bytes(whole + whole.replace(b"MII", b"###", 1))
    assert "is not a PEM file with certificates" in refusal(ca_file=str(file))


@pytest.mark.parametrize("given", [True, False, 7, ["a.pem"]])
def test_a_value_that_is_not_a_path_is_refused(given: Any) -> None:
    assert "ca_file: " in refusal(ca_file=given)


@pytest.mark.parametrize("name", ["verify", "verify_ssl", "ssl", "insecure", "check_hostname"])
def test_verification_cannot_be_disabled(name: str) -> None:
    assert f"{name}: Extra inputs are not permitted" in refusal(**{name: False})
