"""Response bodies in the vendor's format, as a starting point for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from agora.domain import LABELS

DAY = date(2026, 11, 1)


def body(value: Any = None, **changes: Any) -> bytes:
    """Return the body of a complete day; `value` replaces the points, and `changes` replace other keys."""
    points = {label: slot for slot, label in enumerate(LABELS)} if value is None else value
    return json.dumps({"date": DAY.isoformat(), "unit": "kbps", "value": points, **changes}).encode()


def without(key: str) -> bytes:
    content: Mapping[str, Any] = json.loads(body())
    return json.dumps({name: value for name, value in content.items() if name != key}).encode()


def with_points(text: str, unit: str = "kbps") -> bytes:
    """Return a body whose `value` object contains the given text."""
    return f'{{"date": "{DAY}", "unit": "{unit}", "value": {{{text}}}}}'.encode()
