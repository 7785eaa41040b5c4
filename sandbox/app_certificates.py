"""App Certificates: the secret of each app, by which Channel Keys are signed."""

from __future__ import annotations

import hmac

_LENGTH = 32


def app_certificate(customer_certificate: str, app_id: str) -> str:
    """Derives an app's certificate.

    It is stable and secret without an option of its own, because it follows from a secret that every sandbox
    has: the Customer Certificate it was started with. Replacing the credentials later changes no App
    Certificate.

    Args:
        customer_certificate: The Customer Certificate at the start.
        app_id: The App ID.

    Returns:
        32 lower-case hexadecimal digits.
    """
    message = f"App Certificate of {app_id}".encode()
    return hmac.digest(customer_certificate.encode(), message, "sha256").hex()[:_LENGTH]
