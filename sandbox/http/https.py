"""HTTPS under a host name, with a self-signed certificate that is created at every startup."""

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
VALIDITY = timedelta(days=3650)
CLOCK_SKEW = timedelta(days=1)


@dataclass(frozen=True)
class Https:
    """The HTTPS settings.

    Attributes:
        host: The host name in the certificate.
        directory: The directory for `ca.pem`, which clients must trust. The private key is not stored.
    """

    host: str
    directory: Path

    def context(self) -> ssl.SSLContext:
        """Create a certificate, write it to `ca.pem` and return the server's TLS context.

        Raises:
            OSError: The directory is not writable.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        pem = _certificate(self.host, key).public_bytes(serialization.Encoding.PEM)
        context = _server_context(key, pem)
        unfinished = self.directory / f"{CA_FILE}.{os.getpid()}"
        unfinished.write_bytes(pem)
        unfinished.replace(self.directory / CA_FILE)
        return context


def _certificate(host: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Create a self-signed certificate. A client that trusts this certificate trusts only this server."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _server_context(key: ec.EllipticCurvePrivateKey, certificate: bytes) -> ssl.SSLContext:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # OpenSSL can read a key only from a file.
    with tempfile.NamedTemporaryFile() as file:
        file.write(private + certificate)
        file.flush()
        context.load_cert_chain(file.name)
    return context
