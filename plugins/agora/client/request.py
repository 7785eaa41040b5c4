"""One request to the vendor, before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask.

    Attributes:
        method: HTTP method.
        path: Below the base URL, without a leading slash; quoted, its query included.
        content: Makes the JSON body, anew for each try: a Channel Key in it is soon stale.
        secret: Names of its fields that no message of ours repeats.
    """

    method: str
    path: str
    content: Callable[[], Mapping[str, Any]] | None = None
    secret: tuple[str, ...] = ()

    @property
    def is_safe_to_repeat(self) -> bool:
        """Tell whether asking twice does the same as asking once (RFC 9110, 9.2.2)."""
        return self.method != "POST"
