"""The account's Customer ID and Customer Certificate, and the check of a call's HTTP Basic header."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

ID_VARIABLE = "SANDBOX_CUSTOMER_ID"
CERTIFICATE_VARIABLE = "SANDBOX_CUSTOMER_CERTIFICATE"


@dataclass(frozen=True)
class Credentials:
    """What a caller must know; there is no default, so that none can be left in force."""

    customer_id: str = field(repr=False)
    customer_certificate: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.customer_id or ":" in self.customer_id:
            raise ValueError("The Customer ID is a text without a colon, and not empty.")
        if not self.customer_certificate:
            raise ValueError("The Customer Certificate is not empty.")

    def admit(self, authorization: str | None) -> bool:
        """Checks an Authorization header."""
        if authorization is None:
            return False
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            given = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(given, self._pair)

    @property
    def _pair(self) -> bytes:
        return f"{self.customer_id}:{self.customer_certificate}".encode()


def credentials_from(environment: Mapping[str, str]) -> tuple[Credentials, list[str]]:
    """Takes the credentials from the environment and draws at random what is not set there.

    Returns:
        The credentials, and lines that tell those that were drawn; nobody could know them otherwise.
    """
    customer_id = environment.get(ID_VARIABLE) or secrets.token_hex(16)
    certificate = environment.get(CERTIFICATE_VARIABLE) or secrets.token_hex(16)
    told = []
    if not environment.get(ID_VARIABLE):
        told.append(f"Customer ID, drawn at random: {customer_id}")
    if not environment.get(CERTIFICATE_VARIABLE):
        told.append(f"Customer Certificate, drawn at random: {certificate}")
    return Credentials(customer_id, certificate), told
