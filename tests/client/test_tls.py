"""Over HTTPS the server's certificate must be trusted; otherwise the credentials stay here."""

from __future__ import annotations

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509

from agora.errors import UnexpectedResponse, VendorUnavailable
from tests.client.certificates import Authority, self_signed
from tests.client.push_stream_requests import DAY, account, ask, asked
from tests.client.raw_server import EMPTY_DAY, answer, answers, raw_server
from tests.support.sandbox_server import RunningSandbox


def refusal(tls: ssl.SSLContext, ca_file: Path | None = None) -> str:
    """Return what is said about a server that must not be asked, and see to it that it is not."""

    async def main() -> str:
        async with raw_server(answers(answer(200, EMPTY_DAY)), tls=tls) as server:
            with pytest.raises(VendorUnavailable) as raised:
                await asked(account(server.base_url, ca_file=ca_file), retry=False)
            assert server.received == []
            assert f"no response from {server.base_url}: its TLS certificate " in str(raised.value)
        return str(raised.value)

    return asyncio.run(main())


def test_a_self_signed_certificate_is_refused_and_ca_file_named(tmp_path: Path) -> None:
    said = refusal(self_signed(tmp_path))
    assert "has an unknown signer (self-signed certificate)" in said
    assert (
        "If you trust the signer, set ca_file in the connection some_account to the signer's PEM file" in said
    )


def test_an_unknown_authority_is_refused_and_ca_file_named(tmp_path: Path) -> None:
    said = refusal(Authority(tmp_path).server())
    assert "has an unknown signer (unable to get local issuer certificate)" in said
    assert "set ca_file in the connection some_account" in said


def test_an_authority_other_than_that_of_ca_file_is_refused(tmp_path: Path) -> None:
    other = Authority(tmp_path, "another authority")
    assert "has an unknown signer" in refusal(Authority(tmp_path).server(), other.ca_file)


def test_an_expired_certificate_is_refused_although_the_authority_is_known(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.server(since=timedelta(days=-3), until=timedelta(seconds=-1))
    assert "has expired. The operator of the host must renew it" in refusal(tls, authority.ca_file)


def test_a_certificate_of_tomorrow_is_refused_although_the_authority_is_known(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = authority.server(since=timedelta(hours=1))
    assert "is not valid yet. Check the clock of this machine" in refusal(tls, authority.ca_file)


@pytest.mark.parametrize(
    "host",
    [x509.DNSName("api.agora.io"), x509.DNSName("127.0.0.1"), x509.DNSName("*")],
    ids=lambda h: h.value,
)
def test_a_certificate_for_another_host_is_refused_although_the_authority_is_known(
    tmp_path: Path, host: x509.DNSName
) -> None:
    authority = Authority(tmp_path)
    said = refusal(authority.server(host), authority.ca_file)
    assert "is for another host. Check the host of the connection some_account" in said


def test_a_server_that_ca_file_vouches_for_is_asked(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def main() -> None:
        async with raw_server(answers(answer(200, EMPTY_DAY)), tls=authority.server()) as server:
            assert server.base_url.startswith("https://")
            received = await asked(account(server.base_url, ca_file=str(authority.ca_file)))
            assert received.body == EMPTY_DAY

    asyncio.run(main())


@pytest.mark.parametrize("secure", [True, False], ids=["to another https server", "to plain http"])
def test_the_credentials_go_nowhere_from_https_along_a_redirect(tmp_path: Path, secure: bool) -> None:
    authority = Authority(tmp_path)

    async def main() -> None:
        tls = authority.server()
        async with raw_server(answers(answer(200, EMPTY_DAY)), tls=tls if secure else None) as elsewhere:
            redirect = answer(
                307, b"", Location=f"{elsewhere.base_url}/apps/a1/usages/bandwidth?date=20261101"
            )
            async with raw_server(answers(redirect), tls=tls) as server:
                with pytest.raises(UnexpectedResponse, match="Redirects are not followed"):
                    await asked(account(server.base_url, ca_file=authority.ca_file))
                assert len(server.received) == 1
                assert elsewhere.received == []
                assert elsewhere.most_under_way == 0, "not even a connection"

    asyncio.run(main())


def test_a_server_that_speaks_no_tls_is_refused(sandbox: RunningSandbox) -> None:
    settings = account(sandbox.base_url.replace("http:", "https:"))
    with pytest.raises(VendorUnavailable, match=r"no connection \(SSLError\)"):
        ask(settings, "a1", DAY, retry=False)
    assert sandbox.stats()["requests"] == 0
