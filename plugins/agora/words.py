"""How many of what, as people write it."""

from __future__ import annotations


def things(number: int, name: str) -> str:
    """Return `1 app-day`, `2 app-days`, `1,234 app-days`."""
    return f"{number:,} {name}{'s' * (number != 1)}"
