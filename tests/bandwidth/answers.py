"""Bodies as the vendor spells them, for tests to start from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from agora.domain import LABELS

DAY = date(2026, 11, 1)


def body(value: Any = None, **changes: Any) -> bytes:
    """Return a complete day's body; `value` replaces the points, further arguments whole keys."""
    points = {label: slot for slot, label in enumerate(LABELS)} if value is None else value
    return json.dumps({"date": DAY.isoformat(), "unit": "kbps", "value": points, **changes}).encode()


def without(key: str) -> bytes:
    content: Mapping[str, Any] = json.loads(body())
    return json.dumps({name: value for name, value in content.items() if name != key}).encode()


def with_points(text: str, unit: str = "kbps") -> bytes:
    """Return a body whose object of points holds this text."""
    return f'{{"date": "{DAY}", "unit": "{unit}", "value": {{{text}}}}}'.encode()
