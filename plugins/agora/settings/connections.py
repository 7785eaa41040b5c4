"""Settings for the vendor connections: a Dashboard API account, and an app of the push-stream API."""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
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
    Field,
    SecretStr,
    ValidationError,
)

from agora.errors import SettingsError
from agora.forward_proxy import Proxy, parse_proxy, proxy_for
from agora.settings import DASHBOARD_CONN_ID, PUSH_STREAM_CONN_ID
from agora.settings.apps import canonical_app_id
from agora.settings.validation import Settings, escaped, plain
from agora.urls import is_loopback, split_address

DEFAULT_BASE_URL = "https://api.agora.io/dev/v2"
PUSH_STREAM_BASE_URL = "http://broadcastgw.agora.io/api/v1"


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
    """Reject zones with summer time: 288 wall-clock labels cannot name the 300 slots of their longest day."""
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is not an IANA time zone such as UTC or Asia/Shanghai") from error
    changed = _clock_change(zone)
    if changed:
        raise ValueError(
            f"{name} changes its clocks on {changed}: the vendor's labels 00:00 to 23:55 cannot name every"
            " five-minute slot of that day. Use UTC or a zone without summer time, such as Etc/GMT-1"
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


class _Server(Settings):
    """Base model for a server and its proxy."""

    base_url: str
    proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = None

    def route(self) -> Proxy | None:
        """Return the proxy for requests to this server, or None for a direct connection.

        Raises:
            SettingsError: The environment's proxy is invalid.
        """
        return proxy_for(self.base_url, self.proxy.get_secret_value() if self.proxy else None)


class DashboardSettings(_Server):
    """One vendor account, from a connection of type `agora_dashboard`.

    Attributes:
        conn_id: Name of the connection, for messages.
        base_url: Base URL of the Dashboard API. Plain HTTP is accepted only for this machine.
        customer_id: User name for HTTP Basic authentication with the vendor.
        customer_certificate: Password for HTTP Basic authentication with the vendor.
        timezone: Time zone of the vendor's usage dates and points. The vendor's documents do not name it.
            Default: UTC.
        window: How long the vendor serves a usage date, "1 month" (documented) or "N days".
        requests_per_second: Maximum request rate. A 429 lowers the rate. The default is the limit on the
            vendor's newer pages: 10 requests per second per account and API.
        max_concurrency: Maximum number of concurrent requests.
        settle_days: Number of days after which a usage date is settled. A date that was collected before it
            settled is requested again afterwards, which costs one more request per app-day. 0 disables the
            re-check.
        ca_file: PEM file with the trusted certificate authorities. Default: this machine's authorities.
            Verification cannot be disabled.
        proxy: Forward proxy, `http://<user>:<password>@host:port`. Default: the environment's proxy.
    """

    conn_id: str = DASHBOARD_CONN_ID
    base_url: Annotated[str, AfterValidator(_https_or_loopback)] = DEFAULT_BASE_URL
    customer_id: Annotated[str, Field(min_length=1), AfterValidator(_without_colon)]
    customer_certificate: Annotated[SecretStr, Field(min_length=1)]
    timezone: Annotated[str, AfterValidator(_zone_without_clock_changes)] = "UTC"
    window: Annotated[str, AfterValidator(_window)] = "1 month"
    requests_per_second: Annotated[float, Field(gt=0, le=1_000_000)] = 10.0
    max_concurrency: Annotated[int, Field(ge=1, le=1000)] = 16
    settle_days: Annotated[int, Field(ge=0, le=20)] = 2
    ca_file: Annotated[Path, AfterValidator(_pem_file)] | None = None

    @property
    def secrets(self) -> tuple[str, str]:
        """The certificate, and the Basic credentials that contain it. Messages must not contain either."""
        certificate = self.customer_certificate.get_secret_value()
        return certificate, b64encode(f"{self.customer_id}:{certificate}".encode()).decode()

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
            and sign the lower-case form.
        app_certificate: Secret that signs the Channel Keys: 32 hexadecimal digits, with their case preserved.
            The secret is never sent.
        ca_file: As in `DashboardSettings`, for an https host.
        proxy: As in `DashboardSettings`.
    """

    conn_id: str = PUSH_STREAM_CONN_ID
    base_url: Annotated[str, AfterValidator(_http_address)] = PUSH_STREAM_BASE_URL
    app_id: Annotated[str, AfterValidator(_hex_32), AfterValidator(canonical_app_id)]
    app_certificate: Annotated[SecretStr, AfterValidator(_secret_hex_32)]
    ca_file: Annotated[Path, AfterValidator(_pem_file)] | None = None


def parse_dashboard(conn_id: str, fields: Mapping[str, Any]) -> DashboardSettings:
    """Return the validated settings from an `agora_dashboard` connection.

    Raises:
        SettingsError: A field is invalid. The message names the connection and the field, never a secret.
    """
    return _parse(DashboardSettings, conn_id, fields)


def parse_push_stream(conn_id: str, fields: Mapping[str, Any]) -> PushStreamSettings:
    """Return the validated settings from an `agora_push_stream` connection.

    Raises:
        SettingsError: A field is invalid. The message names the connection and the field, never a secret.
    """
    return _parse(PushStreamSettings, conn_id, fields)


def _parse(kind: type[Parsed], conn_id: str, fields: Mapping[str, Any]) -> Parsed:
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    refusal = f"The connection {escaped(conn_id)} is not usable"
    if "conn_id" in given:
        raise SettingsError(
            f"{refusal}: conn_id: remove the field from the extra.", conn_id=conn_id
        ) from None
    try:
        return kind(conn_id=conn_id, **given)
    except ValidationError as error:
        raise SettingsError(f"{refusal}: {plain(error)}", conn_id=conn_id) from None
