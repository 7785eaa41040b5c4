"""Create login tokens for any role, like Airflow's own login, without user accounts."""

from __future__ import annotations

import jwt

from tests.stack.stack import LiveStack

NO_ROLE = ""


def token_of(live: LiveStack, user: str, role: str) -> str:
    """Return the token that `user` would have after logging in with a role of Airflow's simple auth manager.

    Args:
        live: The stack; its secret signs the token.
        user: Any name.
        role: admin, op, user, viewer, or NO_ROLE.
    """
    live.call("GET", "/api/v2/version")
    admins = live.api._token
    assert admins is not None
    claims = jwt.decode(admins, options={"verify_signature": False})
    claims |= {"sub": user, "role": role}
    return jwt.encode(claims, live.stack.secrets.jwt_secret, jwt.get_unverified_header(admins)["alg"])
