"""Values of template fields: a list as it was given, or as the JSON that a template made of it."""

from __future__ import annotations

import json
from typing import Any


def as_list(value: Any) -> list[Any]:
    """Return a list; what is empty or null is an empty one."""
    return list((json.loads(value) if isinstance(value, str) and value else value) or ())
