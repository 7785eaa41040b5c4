"""Certificates for tests: an authority, certificates that it signs, and a self-signed certificate."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
HOST = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


class Authority:
    """A certificate authority that clients trust only through its `ca_file`."""

    def __init__(self, folder: Path, name: str = "test authority") -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        own = _builder(self._name, self._name, self._key, -DAY, 2 * DAY)
        self._certificate = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(
            self._key, hashes.SHA256()
        )
        self.ca_file = folder / f"{name}.pem"
        self.ca_file.write_bytes(_pem(self._certificate))

    def server(
        self,
        host: x509.GeneralName = HOST,
        *,
        since: timedelta = -DAY,
        until: timedelta = DAY,
    ) -> ssl.SSLContext:
        """Return a TLS server context with a certificate for `host`. Its validity is relative to now."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_named("server"), self._name, key, since, until)
        certificate = builder.add_extension(x509.SubjectAlternativeName([host]), False).sign(
            self._key, hashes.SHA256()
        )
        return _server_context(self._folder, key, certificate)


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a TLS server context with a self-signed certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _named("server")
    builder = _builder(name, name, key, -DAY, DAY)
    certificate = builder.add_extension(x509.SubjectAlternativeName([HOST]), False).sign(key, hashes.SHA256())
    return _server_context(folder, key, certificate)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, since: timedelta, until: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since)
        .not_valid_after(now + until)
    )


def _server_context(
    folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate
) -> ssl.SSLContext:
    file = folder / f"{certificate.serial_number}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + _pem(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
