"""Requests through Squid, which requires a login and allows only the vendor's host."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agora.errors import ChannelKeyRefused, VendorError, VendorUnavailable
from deploy.local.settings import free_port
from tests.client.push_stream_requests import CERTIFICATE, account, call_channel, channel_account
from tests.client.test_forward_proxy import (
    HOST,
    PASSWORD,
    QUOTED,
    HttpsVendor,
    get,
    vendor,  # noqa: F401 - a fixture
)
from tests.support.sandbox_server import RunningSandbox

SQUID = shutil.which("squid") or "/usr/sbin/squid"
AUTHENTICATOR = Path("/usr/lib/squid/basic_ncsa_auth")
SECONDS = 60
CONFIGURATION = """
http_port 127.0.0.1:{port}
hosts_file {directory}/hosts
access_log stdio:{directory}/access.log
cache_log {directory}/cache.log
pid_filename none
cache deny all
max_filedescriptors 1024
shutdown_lifetime 0 seconds
auth_param basic program {authenticator} {directory}/users
acl known_user proxy_auth REQUIRED
acl vendor dstdomain {host}
http_access deny !known_user
http_access allow vendor
http_access deny all
"""

pytestmark = pytest.mark.skipif(
    not (Path(SQUID).exists() and AUTHENTICATOR.exists()),
    reason="Squid is needed: on Debian `apt-get install squid`.",
)


@dataclass(frozen=True)
class Squid:
    """A running Squid."""

    port: int
    directory: Path

    def url(self, user: str = f"user:{QUOTED}@") -> str:
        return f"http://{user}127.0.0.1:{self.port}"

    def log(self) -> str:
        return (self.directory / "access.log").read_text()


@pytest.fixture(scope="module")
def squid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Squid]:
    directory, port = tmp_path_factory.mktemp("squid"), free_port()
    (directory / "hosts").write_text(f"127.0.0.1 {HOST} other.example\n")
    digest = hashlib.md5(PASSWORD.encode()).hexdigest()  # noqa: S324 - a format of Squid's
    (directory / "users").write_text(f"user:{digest}\n")
    configuration = directory / "squid.conf"
    configuration.write_text(
        CONFIGURATION.format(port=port, directory=directory, host=HOST, authenticator=AUTHENTICATOR)
    )
    if os.geteuid() == 0:  # Squid runs as the user proxy
        shutil.chown(directory, "proxy")
        for path in directory.parents[:-2]:
            path.chmod(0o755)
    command = [SQUID, "-N", "-f", str(configuration)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT) as process:
        try:
            _wait(process, port, directory)
            yield Squid(port, directory)
        finally:
            process.kill()


def _wait(process: subprocess.Popen[bytes], port: int, directory: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            log = directory / "cache.log"
            assert process.poll() is None, log.read_text() if log.exists() else "Squid did not start"
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def test_a_tunnel_through_squid_reaches_the_vendor_and_shows_only_the_host(
    vendor: HttpsVendor,  # noqa: F811 - the imported fixture
    squid: Squid,
) -> None:
    settings = vendor.account(proxy=squid.url())
    assert get(settings, vendor.app_id).status == 200
    log = squid.log()
    assert f"CONNECT {HOST}:{vendor.port} user " in log
    assert vendor.app_id not in log
    assert CERTIFICATE not in log


@pytest.mark.parametrize(
    ("user", "host", "status"),
    [("", HOST, 407), ("user:wrong-password@", HOST, 407), (f"user:{QUOTED}@", "other.example", 403)],
)
def test_the_error_names_squid_and_its_refusal(squid: Squid, user: str, host: str, status: int) -> None:
    settings = account(f"https://{host}:1/dev/v2", proxy=squid.url(user))
    with pytest.raises(VendorUnavailable) as raised:
        get(settings, "a1")
    text = str(raised.value)
    assert f"the proxy 127.0.0.1:{squid.port} refused to connect to it (HTTP {status})" in text
    assert "wrong-password" not in text
    assert PASSWORD not in text


def test_the_error_names_squid_if_it_cannot_reach_the_vendor(squid: Squid) -> None:
    settings = account(f"https://{HOST}:{free_port()}/dev/v2", proxy=squid.url())
    with pytest.raises(VendorUnavailable) as raised:
        get(settings, "a1")
    assert f"the proxy 127.0.0.1:{squid.port} refused to connect to it (HTTP 503)" in str(raised.value)


def test_plain_http_through_squid_reaches_the_vendor_and_squids_error_page_is_no_vendors_message(
    sandbox: RunningSandbox, squid: Squid
) -> None:
    url = sandbox.push_stream_url.replace("127.0.0.1", HOST)
    with pytest.raises(ChannelKeyRefused, match=r"HTTP 401 .* Unauthorized"):
        stop_channel(url, squid)
    assert f"DELETE {url}/channel" in squid.log()
    with pytest.raises(VendorError) as raised:
        stop_channel(f"http://{HOST}:{free_port()}/api/v1", squid)
    assert f"HTTP 503 from the vendor (or the proxy 127.0.0.1:{squid.port})" in str(raised.value)
    assert "<" not in str(raised.value)
    assert PASSWORD not in str(raised.value)


def stop_channel(url: str, squid: Squid) -> None:
    settings = channel_account(url, proxy=squid.url())
    asyncio.run(call_channel(settings, lambda client: client.stop("lobby")))
