"""The `agora_apps` variable, which lists the apps to collect."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, TypeAdapter, ValidationError, model_validator

from agora.date_checks import not_before_the_vendor
from agora.errors import SelectionInvalid, SettingsError
from agora.settings import DASHBOARD_CONN_ID
from agora.settings.validation import Settings, plain

APP_ID = r"^[0-9A-Za-z_-]{1,64}$"


def canonical_app_id(text: str) -> str:
    """Return an App ID in lower case, the form in which App IDs are requested, stored and compared.

    Call this function for every App ID from an external source. Text with non-ASCII characters is not an App
    ID and is returned unchanged, because converting it to lower case can yield ASCII letters: U+212A KELVIN
    SIGN becomes `k`.
    """
    return text.lower() if text.isascii() else text


class AppSettings(Settings):
    """An App ID to collect, as listed in the `agora_apps` variable.

    Attributes:
        app_id: The vendor's App ID, stored in lower case.
        name: Display name. Default: the App ID.
        conn_id: Connection of the app's account.
        billing_group: Apps with the same group are billed together. Default: the account.
        collect_from: First expected usage date, not before 2014. Default: the oldest day in the vendor
            window when the app is configured.
        collect_until: Last expected usage date, not before 2014. Default: no end.
    """

    app_id: Annotated[str, Field(pattern=APP_ID), AfterValidator(canonical_app_id)]
    name: Annotated[str, Field(max_length=200)] = ""
    conn_id: Annotated[str, Field(min_length=1)] = DASHBOARD_CONN_ID
    billing_group: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    collect_from: Annotated[date | None, AfterValidator(not_before_the_vendor)] = None
    collect_until: Annotated[date | None, AfterValidator(not_before_the_vendor)] = None

    @model_validator(mode="before")
    @classmethod
    def _bare_app_id(cls, value: Any) -> Any:
        return {"app_id": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _dates_in_order(self) -> AppSettings:
        if self.collect_from and self.collect_until and self.collect_from > self.collect_until:
            raise ValueError(f"collect_from {self.collect_from} is after collect_until {self.collect_until}")
        return self


_APPS = TypeAdapter(list[AppSettings])


def parse_apps(value: str | list[Any]) -> list[AppSettings]:
    """Return the apps in the `agora_apps` variable, a JSON list of App IDs or objects.

    Raises:
        SettingsError: The value is not such a list, is empty, or contains an app twice, ignoring case.
    """
    given: Any = value

    def app_of(place: tuple[int | str, ...]) -> str:
        app = given[place[0]] if isinstance(given, list) and place and isinstance(place[0], int) else None
        app_id = app.get("app_id") if isinstance(app, dict) else app
        return f"app {app_id}" if isinstance(app_id, str) and re.fullmatch(APP_ID, app_id) else ""

    try:
        given = json.loads(value) if isinstance(value, str) else value
        apps = _APPS.validate_python(given)
    except ValidationError as error:
        raise SettingsError(f"The variable agora_apps is not usable: {plain(error, app_of)}") from None
    except ValueError as error:
        raise SettingsError(f"The variable agora_apps is not usable: {plain(error)}") from None
    if not apps:
        raise SettingsError('The variable agora_apps is empty. Set it to a JSON list such as ["<App ID>"].')
    seen: set[str] = set()
    for app in apps:
        if app.app_id in seen:
            raise SettingsError(
                f"The variable agora_apps contains {app.app_id} twice. Remove one of the two. App IDs that"
                " differ only in case are the same app."
            )
        seen.add(app.app_id)
    return apps


def find_apps(chosen: Iterable[str], known: Iterable[tuple[str, str]]) -> list[str]:
    """Return the App IDs of apps that a user chose by App ID or by name, ignoring case.

    Args:
        chosen: App IDs and names. An App ID takes precedence over a name.
        known: App ID and name of each app that can be chosen.

    Raises:
        SelectionInvalid: An entry matches no app, or is the name of several apps.
    """
    by_name: defaultdict[str, list[str]] = defaultdict(list)
    app_ids = set()
    for app_id, name in known:
        app_ids.add(app_id)
        by_name[name.casefold()].append(app_id)
    matches = {
        text: [app_id] if (app_id := canonical_app_id(text)) in app_ids else by_name.get(text.casefold(), [])
        for text in map(str.strip, chosen)
    }
    if unknown := [text for text, found in matches.items() if not found]:
        raise SelectionInvalid(
            f"No app has the App ID or name {', '.join(unknown)}. Correct the entry, or add the app to the"
            " variable agora_apps."
        )
    for text, found in matches.items():
        if len(found) > 1:
            raise SelectionInvalid(
                f"{len(found)} apps have the name {text}: {', '.join(sorted(found))}. Choose by App ID."
            )
    return list(dict.fromkeys(app_id for (app_id,) in matches.values()))
