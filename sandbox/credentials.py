"""The account's secrets: Customer ID and Customer Certificate, and the App Certificate of each app."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

ID_VARIABLE = "SANDBOX_CUSTOMER_ID"
CERTIFICATE_VARIABLE = "SANDBOX_CUSTOMER_CERTIFICATE"
_APP_CERTIFICATE_LENGTH = 32


@dataclass(frozen=True)
class Credentials:
    """The Customer ID and Customer Certificate that clients must send.

    There are no defaults, so well-known credentials cannot stay in use by accident.
    """

    customer_id: str = field(repr=False)
    customer_certificate: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.customer_id or ":" in self.customer_id:
            raise ValueError("The Customer ID must be a non-empty string without a colon.")
        if not self.customer_certificate:
            raise ValueError("The Customer Certificate must not be empty.")

    def match(self, authorization: str | None) -> bool:
        """Return whether an Authorization header contains these credentials in HTTP Basic form."""
        scheme, _, encoded = (authorization or "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(given, f"{self.customer_id}:{self.customer_certificate}".encode())


def credentials_from(environment: Mapping[str, str]) -> tuple[Credentials, list[str]]:
    """Read the credentials from environment variables, and generate any that are not set.

    Returns:
        The credentials, and one line of text per generated value. Nothing else reveals these values.
    """
    customer_id = environment.get(ID_VARIABLE) or secrets.token_hex(16)
    certificate = environment.get(CERTIFICATE_VARIABLE) or secrets.token_hex(16)
    generated = []
    if not environment.get(ID_VARIABLE):
        generated.append(f"Customer ID (generated): {customer_id}")
    if not environment.get(CERTIFICATE_VARIABLE):
        generated.append(f"Customer Certificate (generated): {certificate}")
    return Credentials(customer_id, certificate), generated


def app_certificate(customer_certificate: str, app_id: str) -> str:
    """Derive an app's App Certificate, which signs its Channel Keys.

    Args:
        customer_certificate: The Customer Certificate with which the sandbox started. Replacing the
            credentials later does not change any App Certificate.
        app_id: The App ID.

    Returns:
        32 lower-case hexadecimal digits.
    """
    message = f"App Certificate of {app_id}".encode()
    return hmac.digest(customer_certificate.encode(), message, "sha256").hex()[:_APP_CERTIFICATE_LENGTH]
