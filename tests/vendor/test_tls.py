"""Over HTTPS the server's certificate must be trusted; otherwise the credentials stay here."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agora.errors import VendorUnavailable
from sandbox.testing import RunningSandbox
from tests.vendor.asking import DAY, account, ask, asked
from tests.vendor.raw_server import EMPTY_DAY, answer, answers, raw_server


def self_signed(folder: Path) -> Path:
    """Write a key and a certificate for 127.0.0.1 that nobody vouches for; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


def server_context(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_self_signed_server_is_refused_and_sees_no_request(tmp_path: Path) -> None:
    async def main() -> None:
        context = server_context(self_signed(tmp_path))
        async with raw_server(answers(answer(200, EMPTY_DAY)), tls=context) as server:
            assert server.base_url.startswith("https://")
            with pytest.raises(VendorUnavailable, match="its TLS certificate is not trusted") as raised:
                await asked(account(server.base_url), retry=False)
            assert server.base_url in str(raised.value)
            assert server.received == []

    asyncio.run(main())


def test_a_server_that_speaks_no_tls_is_refused(sandbox: RunningSandbox) -> None:
    settings = account(sandbox.base_url.replace("http:", "https:"))
    with pytest.raises(VendorUnavailable, match=r"no connection \(SSLError\)"):
        ask(settings, "a1", DAY, retry=False)
    assert sandbox.stats()["requests"] == 0
