"""HTTPS: credentials are sent only to a server with a trusted certificate."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from agora.errors import UnexpectedResponse, VendorUnavailable
from tests.client.certificates import Authority, self_signed
from tests.client.push_stream_requests import DAY, account, fetch_day, fetch_day_sync
from tests.client.raw_server import EMPTY_DAY, http_response, raw_server, respond_with
from tests.support.sandbox_server import RunningSandbox


def refusal(tls: ssl.SSLContext, ca_file: Path | None = None) -> str:
    """Return the error for an untrusted server, and check that the server receives no request."""

    async def main() -> str:
        async with raw_server(respond_with(http_response(200, EMPTY_DAY)), tls=tls) as server:
            with pytest.raises(VendorUnavailable) as raised:
                await fetch_day(account(server.base_url, ca_file=ca_file), retry=False)
            assert server.received == []
            assert f"no response from {server.base_url}: its TLS certificate " in str(raised.value)
        return str(raised.value)

    return asyncio.run(main())


def test_a_self_signed_certificate_is_refused_and_the_error_names_ca_file(tmp_path: Path) -> None:
    text = refusal(self_signed(tmp_path))
    assert "has an unknown signer (self-signed certificate)" in text
    assert (
        "If you trust the signer, set ca_file in the connection some_account to the signer's PEM file" in text
    )


def test_an_unknown_authority_is_refused_and_the_error_names_ca_file(tmp_path: Path) -> None:
    text = refusal(Authority(tmp_path).server())
    assert "has an unknown signer (unable to get local issuer certificate)" in text
    assert "set ca_file in the connection some_account" in text


def test_an_authority_that_is_not_in_ca_file_is_refused(tmp_path: Path) -> None:
    other = Authority(tmp_path, "another authority")
    assert "has an unknown signer" in refusal(Authority(tmp_path).server(), other.ca_file)


def test_an_expired_certificate_from_a_trusted_authority_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.server(since=timedelta(days=-3), until=timedelta(seconds=-1))
    assert "has expired. The operator of the host must renew it" in refusal(tls, authority.ca_file)


def test_a_certificate_from_a_trusted_authority_that_is_not_yet_valid_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.server(since=timedelta(hours=1))
    assert "is not valid yet. Check the clock of this machine" in refusal(tls, authority.ca_file)


@pytest.mark.parametrize(
    "host",
    [x509.DNSName("api.agora.io"), x509.DNSName("127.0.0.1"), x509.DNSName("*")],
    ids=lambda h: h.value,
)
def test_a_certificate_from_a_trusted_authority_for_another_host_is_refused(
    tmp_path: Path, host: x509.DNSName
) -> None:
    authority = Authority(tmp_path)
    text = refusal(authority.server(host), authority.ca_file)
    assert "is for another host. Check the host of the connection some_account" in text


def test_a_server_with_a_certificate_from_ca_file_is_accepted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def main() -> None:
        async with raw_server(respond_with(http_response(200, EMPTY_DAY)), tls=authority.server()) as server:
            assert server.base_url.startswith("https://")
            received = await fetch_day(account(server.base_url, ca_file=str(authority.ca_file)))
            assert received.body == EMPTY_DAY

    asyncio.run(main())


@pytest.mark.parametrize("secure", [True, False], ids=["to another https server", "to plain http"])
def test_a_redirect_from_https_receives_no_credentials(tmp_path: Path, secure: bool) -> None:
    authority = Authority(tmp_path)

    async def main() -> None:
        tls = authority.server()
        async with raw_server(
            respond_with(http_response(200, EMPTY_DAY)), tls=tls if secure else None
        ) as elsewhere:
            redirect = http_response(
                307, b"", Location=f"{elsewhere.base_url}/apps/a1/usages/bandwidth?date=20261101"
            )
            async with raw_server(respond_with(redirect), tls=tls) as server:
                with pytest.raises(UnexpectedResponse, match="Redirects are not followed"):
                    await fetch_day(account(server.base_url, ca_file=authority.ca_file))
                assert len(server.received) == 1
                assert elsewhere.received == []
                assert elsewhere.max_connections == 0, "no connection was opened"

    asyncio.run(main())


def test_a_server_without_tls_is_refused(sandbox: RunningSandbox) -> None:
    settings = account(sandbox.base_url.replace("http:", "https:"))
    with pytest.raises(VendorUnavailable, match=r"no connection \(SSLError\)"):
        fetch_day_sync(settings, "a1", DAY, retry=False)
    assert sandbox.stats()["requests"] == 0
