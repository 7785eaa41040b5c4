"""Settings from connections and from the variable `agora_apps`, validated."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from agora.date_checks import not_before_the_vendor
from agora.errors import SettingsError
from agora.forward_proxy import Proxy, parse_proxy, proxy_for
from agora.urls import is_loopback, split_address

DEFAULT_BASE_URL = "https://api.agora.io/dev/v2"
DEFAULT_CONN_ID = "agora_dashboard"
PUSH_STREAM_BASE_URL = "http://broadcastgw.agora.io/api/v1"
PUSH_STREAM_CONN_ID = "agora_push_stream"

APP_ID = r"^[0-9A-Za-z_-]{1,64}$"
# Characters that no setting may contain, with their names in messages. Joiners, variation selectors and the
# left-to-right and right-to-left marks are allowed, because emoji and several scripts need them.
REFUSED_CHARACTERS = {
    "a control character": "\x00-\x1f\x7f-\x9f",
    "half of a surrogate pair": "\ud800-\udfff",
    "a line or paragraph separator": "\u2028\u2029",
    "an override of the text direction": "\u202a-\u202e\u2066-\u206f",
}

Parsed = TypeVar("Parsed", bound=BaseModel)


def _http_address(url: str) -> str:
    parts = split_address(url)
    if "@" in url or (parts and (parts.query or parts.fragment)):
        raise ValueError("the URL must not contain credentials, a query or a fragment")
    if parts is None or parts.scheme not in ("https", "http"):
        raise ValueError(f"this is not an http(s) URL such as {DEFAULT_BASE_URL}")
    return url.rstrip("/")


def _https_or_loopback(url: str) -> str:
    parts = urlsplit(_http_address(url))
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("this is plain HTTP: credentials are sent only over HTTPS (or to this machine)")
    return url.rstrip("/")


def _zone_without_clock_changes(name: str) -> str:
    """Refuse zones with summer time: 288 wall-clock labels cannot name the 300 slots of their longest day."""
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone such as UTC or Asia/Shanghai") from error
    changed = _clock_change(zone)
    if changed:
        raise ValueError(
            f"{name} changes its clocks on {changed}: the vendor's labels 00:00 to 23:55 cannot name every"
            " five-minute slot of this day. Use UTC or a zone without summer time, such as Etc/GMT-1"
        )
    return name


def _clock_change(zone: tzinfo) -> date | None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [today + timedelta(days=offset) for offset in range(-400, 400)]
    for day, following in pairwise(days):
        if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            return following.date()
    return None


def _without_colon(customer_id: str) -> str:
    if ":" in customer_id:
        raise ValueError(
            "a Customer ID must not contain a colon (HTTP Basic authentication does not allow it)"
        )
    return customer_id


def _window(text: str) -> str:
    if not re.fullmatch(r"1 month|[1-9][0-9]{0,3} days?", text, re.ASCII):
        raise ValueError(f'{text!r} is not a window: write "1 month" or a number of days such as "30 days"')
    return text


def _pem_file(file: Path) -> Path:
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise ValueError(f"the file {str(file)!r} is not a PEM file with certificates") from error
    except OSError as error:
        raise ValueError(f"the file {str(file)!r} cannot be read: {error.strerror}") from error
    return file


def canonical_app_id(text: str) -> str:
    """Return an App ID in lower case, the spelling in which it is requested, stored and compared.

    Call this function for every App ID from outside. Text with non-ASCII letters is not an App ID and is
    returned unchanged, because lower case turns some of these letters into ASCII (U+212A KELVIN SIGN into
    `k`).
    """
    return text.lower() if text.isascii() else text


def _require_readable(text: str) -> None:
    """Refuse characters that break a line, a log or PostgreSQL, or that disguise the text."""
    for called, characters in REFUSED_CHARACTERS.items():
        if found := re.search(f"[{characters}]", text):
            raise PydanticCustomError(
                "unreadable",
                "the text contains {called}: remove U+{code} at position {position}",
                {"called": called, "code": f"{ord(found.group()):04X}", "position": found.start() + 1},
            )


def _escaped(text: str) -> str:
    """Return text for a message, with refused characters escaped."""
    refused = "".join(REFUSED_CHARACTERS.values())
    return re.sub(f"[{refused}]", lambda found: f"\\u{ord(found.group()):04x}", text)


def _proxy(secret: SecretStr) -> SecretStr:
    parse_proxy(secret.get_secret_value())
    return secret


def _hex_32(text: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{32}", text):
        raise ValueError("it must be 32 hexadecimal digits")
    return text


def _secret_hex_32(secret: SecretStr) -> SecretStr:
    _hex_32(secret.get_secret_value())
    return secret


class _Settings(BaseModel):
    """Base of all settings: immutable, without refused characters in any text."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    # This validator runs first, because the messages of the others contain the text.
    @field_validator("*", mode="before")
    @classmethod
    def _readable(cls, value: Any) -> Any:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if isinstance(text, str | Path):
            _require_readable(str(text))
        return value


class _Server(_Settings):
    """A server and the proxy to it."""

    base_url: str
    proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = None

    def route(self) -> Proxy | None:
        """Return the proxy for requests to this server, None for a direct connection.

        Raises:
            SettingsError: The environment's proxy is not usable.
        """
        return proxy_for(self.base_url, self.proxy.get_secret_value() if self.proxy else None)


class DashboardSettings(_Server):
    """One vendor account, from a connection of type `agora_dashboard`.

    Attributes:
        conn_id: Name of the connection, for messages.
        base_url: Base URL of the Dashboard API. Plain HTTP is accepted only for this machine.
        customer_id: User name of the vendor's Basic authentication.
        customer_certificate: Password of the vendor's Basic authentication.
        timezone: Time zone of the vendor's dates and points. The documents do not name one. Default: UTC.
        window: How long the vendor shows a day, "1 month" (documented) or "N days".
        requests_per_second: Highest request rate, lowered after a 429. The default is the limit on the
            vendor's newer pages: 10 requests per second per account and API.
        max_concurrency: Highest number of concurrent requests.
        settle_days: Days after which a day is settled. A day that was collected earlier is requested again
            then, which costs one more request per app-day. 0: no re-check.
        ca_file: PEM file with the trusted certificate authorities. Default: those of this machine.
            Verification cannot be disabled.
        proxy: Forward proxy, `http://<user>:<password>@host:port`. Default: the environment's.
    """

    conn_id: str = DEFAULT_CONN_ID
    base_url: Annotated[str, AfterValidator(_https_or_loopback)] = DEFAULT_BASE_URL
    customer_id: Annotated[str, Field(min_length=1), AfterValidator(_without_colon)]
    customer_certificate: Annotated[SecretStr, Field(min_length=1)]
    timezone: Annotated[str, AfterValidator(_zone_without_clock_changes)] = "UTC"
    window: Annotated[str, AfterValidator(_window)] = "1 month"
    requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)] = 10.0
    max_concurrency: Annotated[int, Field(ge=1, le=1000)] = 16
    settle_days: Annotated[int, Field(ge=0, le=20)] = 2
    ca_file: Annotated[Path, AfterValidator(_pem_file)] | None = None

    def today(self, now: datetime) -> date:
        """Return the vendor's current usage date at the instant `now`."""
        return now.astimezone(ZoneInfo(self.timezone)).date()


class PushStreamSettings(_Server):
    """One App ID whose channels are pushed, from a connection of type `agora_push_stream`.

    Attributes:
        conn_id: Name of the connection, for messages.
        base_url: Base URL of the push-stream API. The vendor documents plain HTTP. Requests contain a Channel
            Key that is valid for five minutes, never the certificate.
        app_id: 32 hexadecimal digits, stored in lower case like the vendor's App IDs. Channel Keys contain
            and sign this spelling.
        app_certificate: Secret that signs the Channel Keys, 32 hexadecimal digits in the given case. It is
            never sent.
        ca_file: As in `DashboardSettings`, for an https host.
        proxy: As in `DashboardSettings`.
    """

    conn_id: str = PUSH_STREAM_CONN_ID
    base_url: Annotated[str, AfterValidator(_http_address)] = PUSH_STREAM_BASE_URL
    app_id: Annotated[str, AfterValidator(_hex_32), AfterValidator(canonical_app_id)]
    app_certificate: Annotated[SecretStr, AfterValidator(_secret_hex_32)]
    ca_file: Annotated[Path, AfterValidator(_pem_file)] | None = None


class AppSettings(_Settings):
    """One App ID to collect, an element of the variable `agora_apps`.

    Attributes:
        app_id: The vendor's App ID, stored in lower case.
        name: Display name. Default: the App ID.
        conn_id: Connection of the app's account.
        collect_from: First expected usage date, not before 2014. Default: the window's oldest day when the
            app is configured.
        collect_until: Last expected usage date, not before 2014. Default: no end.
    """

    app_id: Annotated[str, Field(pattern=APP_ID), AfterValidator(canonical_app_id)]
    name: Annotated[str, Field(max_length=200)] = ""
    conn_id: Annotated[str, Field(min_length=1)] = DEFAULT_CONN_ID
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
    """Return the apps in the variable `agora_apps`, a JSON list of App IDs or of objects.

    Raises:
        SettingsError: The value is not such a list, is empty, or contains an app twice (in any case).
    """
    given: Any = value
    try:
        given = json.loads(value) if isinstance(value, str) else value
        apps = _APPS.validate_python(given)
    except ValidationError as error:
        raise SettingsError(f"The variable agora_apps is not usable: {plain(error, given)}") from None
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


def parse_dashboard(conn_id: str, fields: Mapping[str, Any]) -> DashboardSettings:
    """Return the validated settings of a connection.

    Raises:
        SettingsError: A field is not valid. The message names connection and field, never a secret.
    """
    return _parse(DashboardSettings, conn_id, fields)


def parse_push_stream(conn_id: str, fields: Mapping[str, Any]) -> PushStreamSettings:
    """Return the validated settings of a connection.

    Raises:
        SettingsError: A field is not valid. The message names connection and field, never a secret.
    """
    return _parse(PushStreamSettings, conn_id, fields)


def _parse(kind: type[Parsed], conn_id: str, fields: Mapping[str, Any]) -> Parsed:
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    refusal = f"The connection {_escaped(conn_id)} is not usable"
    if "conn_id" in given:
        raise SettingsError(
            f"{refusal}: conn_id: remove the field from the extra.", conn_id=conn_id
        ) from None
    try:
        return kind(conn_id=conn_id, **given)
    except ValidationError as error:
        raise SettingsError(f"{refusal}: {plain(error)}", conn_id=conn_id) from None


def plain(error: Exception, apps: Any = None) -> str:
    """Return each invalid field and its fault, without the input, which may be a secret.

    Args:
        error: Error of pydantic or of the JSON parser.
        apps: The validated list of apps, if any. Each fault then names the app.
    """
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{_field(item['loc'], apps)}: {item['msg']}"
        for item in error.errors(include_input=False, include_url=False, include_context=False)
    )


def _field(place: tuple[int | str, ...], apps: Any) -> str:
    name = _escaped(".".join(map(str, place))) or "value"
    app = apps[place[0]] if isinstance(apps, list) and place and isinstance(place[0], int) else None
    app_id = app.get("app_id") if isinstance(app, dict) else app
    is_usable = isinstance(app_id, str) and re.fullmatch(APP_ID, app_id)
    return f"{name} (app {app_id})" if is_usable else name
