"""Requests through a forward proxy: the proxy sees no credentials, and errors name a failing proxy."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agora.alerts.incident import Failure, message
from agora.alerts.webhook import post
from agora.client.request import TIMEOUTS, Timeouts
from agora.client.response import Response
from agora.dag_support.variables import webhook
from agora.errors import AgoraError, AlertNotSent, SettingsError, UnexpectedResponse, VendorUnavailable
from agora.forward_proxy import parse_proxy, proxy_for
from agora.settings.connections import DashboardSettings, parse_dashboard
from deploy.local.settings import free_port
from sandbox.traffic.apps import seeded_apps
from tests.client.forward_proxy import forward_proxy
from tests.client.push_stream_requests import CERTIFICATE, account, call_channel, channel_account, fetch_day
from tests.support.paths import ROOT
from tests.support.sandbox_server import RunningSandbox

HOST = "vendor.example"
BASE_URL = re.compile(rf"Base URL: https://{HOST}:([0-9]+)/dev/v2")
PASSWORD = "p@ss word/of:the#proxy"
QUOTED = "p%40ss%20word%2Fof%3Athe%23proxy"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def _no_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@dataclass
class HttpsVendor:
    """The sandbox over HTTPS, with a host name that only the proxy can resolve."""

    port: int
    app_id: str
    ca_file: Path

    def account(self, **fields: str) -> DashboardSettings:
        return account(f"https://{HOST}:{self.port}/dev/v2", ca_file=str(self.ca_file), **fields)


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpsVendor]:
    directory = tmp_path_factory.mktemp("https")
    with _sandbox(directory) as (port, app_id):
        yield HttpsVendor(port, app_id, directory / "ca.pem")


@contextmanager
def _sandbox(directory: Path) -> Iterator[tuple[int, str]]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--https", HOST, str(directory)]
    environment = {"SANDBOX_CUSTOMER_ID": "customer", "SANDBOX_CUSTOMER_CERTIFICATE": CERTIFICATE}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            port = next(int(found[1]) for line in process.stdout if (found := BASE_URL.search(line)))
            yield port, seeded_apps(7, 1)[0].app_id
        finally:
            process.terminate()


def get(settings: DashboardSettings, app_id: str, timeouts: Timeouts = TIMEOUTS) -> Response:
    yesterday: date = datetime.now(UTC).date() - timedelta(days=1)
    return asyncio.run(fetch_day(settings, app_id, yesterday, retry=False, timeouts=timeouts))


@pytest.mark.parametrize("source", ["connection", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("credentials", ["", f"user:{PASSWORD}"])
def test_a_tunnel_shows_the_proxy_only_the_host(
    vendor: HttpsVendor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, credentials: str
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login other password of-netrc\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with forward_proxy(credentials=credentials) as proxy:
        user = f"user:{QUOTED}@" if credentials else ""
        address = f"http://{user}127.0.0.1:{proxy.port}"
        if source == "connection":
            settings = vendor.account(proxy=address)
        else:
            settings = vendor.account()
            monkeypatch.setenv(source, address)
        assert get(settings, vendor.app_id).status == 200
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT {HOST}:{vendor.port} HTTP/1.1\r\n")
    names = [line.partition(":")[0] for line in head.split("\r\n")[1:]]
    assert "Authorization" not in names
    assert CERTIFICATE not in head
    assert base64.b64encode(f"customer:{CERTIFICATE}".encode()).decode() not in head
    assert vendor.app_id not in head
    assert ("Proxy-Authorization" in names) == bool(credentials)


def test_the_connections_proxy_overrides_the_environment(
    vendor: HttpsVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free_port()}")
    with forward_proxy() as proxy:
        settings = vendor.account(proxy=f"http://127.0.0.1:{proxy.port}")
        assert get(settings, vendor.app_id).status == 200


def error_text(settings: DashboardSettings, timeouts: Timeouts = TIMEOUTS) -> str:
    with pytest.raises(VendorUnavailable) as raised:
        get(settings, "a1", timeouts)
    text = str(raised.value)
    assert PASSWORD not in text
    assert QUOTED not in text
    assert "connection some_account" in text
    return text


@pytest.mark.parametrize("status", [403, 502])
def test_the_error_names_a_proxy_that_refuses(vendor: HttpsVendor, status: int) -> None:
    with forward_proxy(status) as proxy:
        text = error_text(vendor.account(proxy=f"http://user:{QUOTED}@127.0.0.1:{proxy.port}"))
    assert f"the proxy 127.0.0.1:{proxy.port} refused to connect to it (HTTP {status}). Allow CONNECT" in text


@pytest.mark.parametrize("user", ["", "user:wrong-password@"])
def test_the_error_for_a_407_names_the_proxy_and_the_setting(vendor: HttpsVendor, user: str) -> None:
    with forward_proxy(credentials=f"user:{PASSWORD}") as proxy:
        text = error_text(vendor.account(proxy=f"http://{user}127.0.0.1:{proxy.port}"))
    assert f"the proxy 127.0.0.1:{proxy.port} refused to connect to it (HTTP 407). Set the proxy with" in text
    assert "http://<user>:<password>@host:port, in the proxy field of the connection some_account" in text
    assert "wrong-password" not in text


@pytest.mark.parametrize("host", ["127.0.0.1", "no-such-proxy.invalid"])
def test_the_error_names_an_unreachable_proxy(vendor: HttpsVendor, host: str) -> None:
    port = free_port()
    text = error_text(vendor.account(proxy=f"http://user:{QUOTED}@{host}:{port}"))
    assert f"the proxy {host}:{port} cannot be reached (" in text
    assert (
        "Check the proxy field of the connection some_account, or the environment variable HTTPS_PROXY"
        in text
    )


def test_a_silent_proxy_times_out(vendor: HttpsVendor) -> None:
    with forward_proxy(0) as proxy:
        settings = vendor.account(proxy=f"http://127.0.0.1:{proxy.port}")
        text = error_text(settings, Timeouts(total_seconds=0.5))
    assert f"through the proxy 127.0.0.1:{proxy.port}: the response was not complete within 0.5 s" in text


def test_a_certificate_from_an_unknown_authority_is_refused_through_a_proxy(vendor: HttpsVendor) -> None:
    with forward_proxy() as proxy:
        settings = account(f"https://{HOST}:{vendor.port}/dev/v2", proxy=f"http://127.0.0.1:{proxy.port}")
        assert "its TLS certificate has an unknown signer" in error_text(settings)


def test_plain_http_goes_through_the_proxy_and_errors_name_vendor_and_proxy(
    sandbox: RunningSandbox,
) -> None:
    url = sandbox.push_stream_url.replace("127.0.0.1", HOST)
    for credentials in ("", "another:password-of-the-proxy"):
        with forward_proxy(403, credentials) as proxy:
            settings = channel_account(url, proxy=f"http://user:{QUOTED}@127.0.0.1:{proxy.port}")
            with pytest.raises(UnexpectedResponse) as raised:
                asyncio.run(call_channel(settings, lambda client: client.stop("lobby")))
        text = str(raised.value)
        assert f"the vendor (or the proxy 127.0.0.1:{proxy.port}): no message" in text
        assert ("Set the proxy with its user name" in text) == bool(credentials)
        assert (
            f"Proxy-Authorization: {parse_proxy(f'http://user:{QUOTED}@x').authorization}" in proxy.heads[0]
        )


def test_no_proxy_hosts_and_this_machine_are_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "direct.example,.inside.example,host.example:8443")
    for url in (
        "https://direct.example/",
        "https://a.inside.example",
        "https://host.example:8443/x",
        "http://127.0.0.1:8090/",
        "http://localhost:8090/",
    ):
        assert proxy_for(url, None) is None, url
    for url in ("https://api.agora.io/dev/v2", "http://broadcastgw.agora.io/api/v1"):
        assert str(proxy_for(url, None)) == "Proxy(name='proxy.example:3128')"


@pytest.mark.parametrize("with_port", [False, True])
@pytest.mark.parametrize(
    ("entry", "host"),
    [
        ("10.0.0.0/8", "10.1.2.3"),
        ("10.1.2.3/8", "10.1.2.3"),
        ("10.1.2.3", "10.1.2.3"),
        ("[fd00::1]", "[fd00::1]"),
        ("[FD00:0::1]", "[fd00::1]"),
        ("fd00::1", "[fd00::1]"),
        ("fd00::/8", "[fd00::1]"),
        ("[fd00::]/8", "[fd00::1]"),
        ("host.example:443", "host.example"),
        ("10.0.0.0/8:443", "10.1.2.3"),
        ("10.1.2.3:443", "10.1.2.3"),
        ("[fd00::1]:443", "[fd00::1]"),
    ],
)
def test_no_proxy_supports_networks_and_ports(
    monkeypatch: pytest.MonkeyPatch, entry: str, host: str, with_port: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", f"other.example, {entry} ,nonsense/x,[,]:")
    assert proxy_for(f"https://{host}{':443' if with_port else ''}/", None) is None
    for other in ("11.1.2.3", "[fe00::1]", "another.example", "10.example"):
        assert proxy_for(f"https://{other}/", None)
    assert (proxy_for(f"https://{host}:8443", None) is None) == (not entry.endswith(":443"))


@pytest.mark.parametrize(
    "address",
    [
        "https://user:secret-word@p:1",
        "socks5://user:secret-word@p:1",
        "http://user:secret#word@p:1",
        "http://p:99999",
        "http://",
        "http://p:1/path?secret-word",
        "proxy with secret-word",
        "http://user:secret／word@p:1",
        "http://user:secret＠word@p:1",
        "http://user:secret[word@p:1",
        "http://secret%3Aword@:1",
        "http://secret%2Fword",
        "http://secret word",
        "http://p:0",
        5,
        True,
        {"https": "http://p:1"},
        ["http://p:1"],
    ],
)
def test_an_unusable_address_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, address: Any) -> None:
    errors = []
    with pytest.raises(SettingsError, match="The connection some is not usable: proxy: ") as raised:
        parse_dashboard("some", {"customer_id": "a", "customer_certificate": "b", "proxy": address})
    if isinstance(address, str):
        errors.append(str(raised.value))
    with pytest.raises(ValueError, match=r"prox(y|ies)") as refused:
        proxy_for("https://hooks.example", address)
    errors.append(str(refused.value))
    if isinstance(address, str) and "://" in address:
        monkeypatch.setenv("HTTPS_PROXY", address)
        with pytest.raises(
            SettingsError, match="The environment variable HTTPS_PROXY is not usable"
        ) as raised:
            proxy_for("https://api.agora.io/dev/v2", None)
        errors.append(str(raised.value))
    assert all("http://<user>:<password>@host:port" in text for text in errors)
    assert not [text for text in errors if "secret" in text]


def test_no_repr_shows_the_password() -> None:
    settings = account("https://vendor.example", proxy=f"http://user:{QUOTED}@proxy:3128")
    route = settings.route()
    assert route
    assert set(route.secrets) >= {PASSWORD, QUOTED}
    for text in (repr(settings), settings.model_dump_json(), repr(route)):
        assert not [secret for secret in route.secrets if secret in text]


def send_alert(url: str, proxy: str) -> None:
    failure = Failure("some_dag", "some_run", "http://localhost/run", "text")
    alert = message(failure, None, datetime.now(UTC))
    assert alert
    asyncio.run(post(url, alert, failure, "agora_webhook", proxy_for(url, proxy)))


@pytest.mark.parametrize("status", [403, 407])
def test_alerts_go_through_the_proxy_and_errors_name_it(status: int) -> None:
    with forward_proxy(status) as proxy, pytest.raises(AlertNotSent) as raised:
        send_alert(f"https://hooks.{HOST}/T0S3CR3T", f"http://user:{QUOTED}@127.0.0.1:{proxy.port}")
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT hooks.{HOST}:443 HTTP/1.1\r\n")
    assert "T0S3CR3T" not in head + str(raised.value)
    refused = f"the proxy 127.0.0.1:{proxy.port} refused to connect to it (HTTP {status}). "
    assert f"connection agora_webhook did not accept the alert: {refused}" in str(raised.value)
    assert isinstance(raised.value, AgoraError)


@pytest.mark.parametrize("proxy", [5, True, {}, [], {"https": "http://p:1"}, "http://u:secret／word@p"])
def test_the_error_names_an_invalid_proxy_of_the_webhook(
    monkeypatch: pytest.MonkeyPatch, proxy: object
) -> None:
    given = {"conn_type": "http", "password": "https://hooks.example/x", "extra": {"proxy": proxy}}
    monkeypatch.setenv("AIRFLOW_CONN_AGORA_WEBHOOK", json.dumps(given))
    with pytest.raises(
        SettingsError, match="connection agora_webhook is not usable: proxy: this is"
    ) as raised:
        webhook("agora_webhook")
    assert "secret" not in str(raised.value)
