"""Network errors: why no complete response arrived, and the remedy."""

from __future__ import annotations

import ssl

import aiohttp

from agora.client.request import Timeouts
from agora.client.response import Response
from agora.forward_proxy import Proxy

PROXY_CREDENTIALS = (
    "Set the proxy with its user name and password, http://<user>:<password>@host:port, in the proxy"
    " field of the connection {conn_id} or in the environment variable HTTPS_PROXY."
)
PROXY_REFUSED = "Allow CONNECT to the host of the connection {conn_id} in the proxy's configuration."
PROXY_AWAY = "Check the proxy field of the connection {conn_id}, or the environment variable HTTPS_PROXY."


class NoResponse(Exception):
    """No complete response arrived. The message is the reason.

    Attributes:
        advice: The remedy. Empty if the only remedy is a retry.
        answer: The received part of a response that was cut off, if any.
        sent: Whether the request may have reached the server.
    """

    def __init__(
        self, reason: str, *, advice: str = "", answer: Response | None = None, sent: bool = True
    ) -> None:
        super().__init__(reason)
        self.advice = advice
        self.answer = answer
        self.sent = sent


class HungUp(aiohttp.ClientError):
    """The server closed the connection before the response began."""


def no_response(error: Exception, timeouts: Timeouts, proxy: Proxy | None = None) -> NoResponse:
    """Return the error for a missing response. aiohttp's own text may contain secrets, so it is not used."""
    certificate_error = getattr(error, "certificate_error", None)
    if isinstance(certificate_error, ssl.SSLCertVerificationError):
        return _certificate_refused(certificate_error)
    if proxy:
        failed = _proxy_failed(error, proxy)
        if failed:
            return failed
    connected = not isinstance(error, (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError))
    return NoResponse(_too_late(error, timeouts) or _failed(error), sent=connected)


def broken_off(error: Exception, timeouts: Timeouts, answer: Response) -> NoResponse:
    """Return the error for a response that was cut off, including the received part."""
    how = _too_late(error, timeouts) or "the connection was closed"
    return NoResponse(f"{answer.fault}: {how}", answer=answer)


def _proxy_failed(error: Exception, proxy: Proxy) -> NoResponse | None:
    """Return the error if the proxy did not forward the request, or None if the server may be at fault."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        reason = f"the proxy {proxy.name} refused to connect to it (HTTP {error.status})"
        if error.status != 407:
            return NoResponse(reason, advice=PROXY_REFUSED, sent=False)
        return NoResponse(reason, advice=PROXY_CREDENTIALS, sent=False)
    # Only the proxy's name is resolved here. The proxy resolves the server's name.
    if isinstance(error, (aiohttp.ClientProxyConnectionError, aiohttp.ClientConnectorDNSError)):
        reason = f"the proxy {proxy.name} cannot be reached ({type(error.os_error).__name__})"
        return NoResponse(reason, advice=PROXY_AWAY, sent=False)
    return None


def _too_late(error: Exception, timeouts: Timeouts) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection within {timeouts.connect_seconds:g} s"
    if isinstance(error, aiohttp.SocketTimeoutError):
        return f"no data for {timeouts.silence_seconds:g} s"
    if isinstance(error, TimeoutError):
        return f"the response was not complete within {timeouts.total_seconds:g} s"
    return ""


def _failed(error: Exception) -> str:
    if isinstance(error, HungUp):
        return "the server closed the connection"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({type(error.os_error).__name__})"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the response is not HTTP"
    return type(error).__name__


def _certificate_refused(error: ssl.SSLCertVerificationError) -> NoResponse:
    reason, advice = _why_not_trusted(error)
    return NoResponse(reason, advice=advice, sent=False)


def _why_not_trusted(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """Return what is wrong with the certificate and how to fix it."""
    match error.verify_code:  # OpenSSL's X509_V_ERR_…
        case 18 | 19 | 20 | 21:
            return (
                f"its TLS certificate has an unknown signer ({error.verify_message})",
                "If you trust the signer, set ca_file in the connection {conn_id} to the signer's PEM file.",
            )
        case 10:
            return (
                "its TLS certificate has expired",
                "The operator of the host must renew it. If other machines accept the certificate,"
                " check this machine's clock.",
            )
        case 9:
            return "its TLS certificate is not valid yet", "Check the clock of this machine."
        case 62 | 64:
            return "its TLS certificate is for another host", "Check the host of the connection {conn_id}."
        case _:
            return f"its TLS certificate is not trusted ({error.verify_message})", ""
