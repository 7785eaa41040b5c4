"""Values of template fields: a list as it was given, or as the JSON that a template made of it."""

from __future__ import annotations

import json
from typing import Any

from agora.errors import SettingsError
from agora.settings import canonical_app_id


def as_list(name: str, value: Any) -> list[Any]:
    """Return a list; what is empty or null is an empty one.

    Raises:
        SettingsError: It is neither a list nor the JSON of one.
    """
    try:
        found = json.loads(value) if isinstance(value, str) and value else value
    except ValueError:
        raise SettingsError(f'{name} is neither a list nor the JSON of one, such as ["…"].') from None
    if found and not isinstance(found, list | tuple):
        raise SettingsError(f'{name} is neither a list nor the JSON of one, such as ["…"].')
    return list(found or ())


def as_app_ids(value: Any) -> list[str]:
    """Return the App IDs of a field `app_ids` in their canonical spelling.

    Raises:
        SettingsError: It is neither a list nor the JSON of one.
    """
    return [canonical_app_id(str(app_id)) for app_id in as_list("app_ids", value)]
