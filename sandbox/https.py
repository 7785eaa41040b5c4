"""HTTPS under a host name: a certificate made at each start, and the file by which callers know it."""

from __future__ import annotations

import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CA_FILE = "ca.pem"
VALID = timedelta(days=3650)
SKEW = timedelta(days=1)


@dataclass(frozen=True)
class Https:
    """How the sandbox is reached from other machines.

    Attributes:
        host: The name in its certificate.
        directory: Where `ca.pem` is written, which callers trust; the private key is kept nowhere.
    """

    host: str
    directory: Path

    def context(self) -> ssl.SSLContext:
        """Makes a certificate, publishes it, and returns the server's end.

        Raises:
            OSError: The directory cannot be written.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        pem = _certificate(self.host, key).public_bytes(serialization.Encoding.PEM)
        context = _server_context(key, pem)
        unfinished = self.directory / f"{CA_FILE}.{os.getpid()}"
        unfinished.write_bytes(pem)
        unfinished.replace(self.directory / CA_FILE)
        return context


def _certificate(host: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Signs itself, so that who trusts it trusts this one server and nobody else."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server_context(key: ec.EllipticCurvePrivateKey, certificate: bytes) -> ssl.SSLContext:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # OpenSSL reads it from a file only.
    with tempfile.NamedTemporaryFile() as file:
        file.write(private + certificate)
        file.flush()
        context.load_cert_chain(file.name)
    return context
