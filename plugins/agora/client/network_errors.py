"""How the network can fail to bring an answer, in words."""

from __future__ import annotations

import ssl

import aiohttp

from agora.client.response import Response
from agora.client.timeouts import Timeouts
from agora.forward_proxy import Proxy

PROXY_CREDENTIALS = (
    "Write the proxy's user name and password, http://<user>:<password>@host:port, into proxy of the"
    " connection {conn_id}, or into the environment variable HTTPS_PROXY."
)
PROXY_REFUSED = "Have the proxy allow CONNECT to the host of the connection {conn_id}."
PROXY_AWAY = "Check proxy of the connection {conn_id}, or else the environment variable HTTPS_PROXY."


class NoResponse(Exception):
    """The network gave no whole answer; the message says how it failed.

    Attributes:
        advice: What to do about it, empty where asking again is all there is.
        answer: What came of an answer that broke off.
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
    """The connection ended before an answer had begun."""


def no_response(error: Exception, timeouts: Timeouts, proxy: Proxy | None = None) -> NoResponse:
    """Say why there is no answer; never in aiohttp's words, which may repeat headers or the request."""
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
    """Say how an answer broke off; what came of it goes with that."""
    how = _too_late(error, timeouts) or "the connection was closed"
    return NoResponse(f"{answer.fault}: {how}", answer=answer)


def _proxy_failed(error: Exception, proxy: Proxy) -> NoResponse | None:
    """Say why a proxy did not pass the request on; None if the fault may be the server's."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        reason = f"the proxy {proxy.name} refused to connect to it (HTTP {error.status})"
        if error.status != 407:
            return NoResponse(reason, advice=PROXY_REFUSED, sent=False)
        return NoResponse(reason, advice=PROXY_CREDENTIALS, sent=False)
    # Only the proxy's own name is looked up here: the proxy looks up the server's.
    if isinstance(error, (aiohttp.ClientProxyConnectionError, aiohttp.ClientConnectorDNSError)):
        reason = f"the proxy {proxy.name} cannot be reached ({type(error.os_error).__name__})"
        return NoResponse(reason, advice=PROXY_AWAY, sent=False)
    return None


def _too_late(error: Exception, timeouts: Timeouts) -> str:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection within {timeouts.connect_seconds:g} s"
    if isinstance(error, aiohttp.SocketTimeoutError):
        return f"it was silent for {timeouts.silence_seconds:g} s"
    if isinstance(error, TimeoutError):
        return f"its answer was not complete within {timeouts.total_seconds:g} s"
    return ""


def _failed(error: Exception) -> str:
    if isinstance(error, HungUp):
        return "it closed the connection"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({type(error.os_error).__name__})"
    if isinstance(error, aiohttp.ClientResponseError):
        return "what it answers is no HTTP"
    return type(error).__name__


def _certificate_refused(error: ssl.SSLCertVerificationError) -> NoResponse:
    reason, advice = _why_not_trusted(error)
    return NoResponse(reason, advice=advice, sent=False)


def _why_not_trusted(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    """Return what is wrong with the certificate, and what to do about it."""
    match error.verify_code:  # OpenSSL's X509_V_ERR_…
        case 18 | 19 | 20 | 21:
            return (
                f"its TLS certificate is signed by nobody known here ({error.verify_message})",
                "If you trust its signer, set ca_file of the connection {conn_id} to their PEM file.",
            )
        case 10:
            return (
                "its TLS certificate has expired",
                "Whoever runs the host must renew it; if nobody else sees that, check the clock here.",
            )
        case 9:
            return "its TLS certificate is not valid yet", "Check the clock of this machine."
        case 62 | 64:
            return "its TLS certificate is for another host", "Check host of the connection {conn_id}."
        case _:
            return f"its TLS certificate is not trusted ({error.verify_message})", ""
