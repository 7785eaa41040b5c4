"""A mail server and a web server that receive alerts in the test's own process."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from deploy.local.settings import HOST, free_port
from tests.client.certificates import Authority

MAIL_LOGIN = "agora"
MAIL_PASSWORD = "pass: w0rd=%@"


class MailServer:
    """A mail server that requires TLS and a login. Stores the received mails.

    Args:
        authority: Signs the server's certificate.
        implicit_tls: Whether TLS starts with the connection, as on port 465, instead of with STARTTLS.

    Attributes:
        refused: Recipients that the server does not know.
        ca_file: Certificate that clients trust.
    """

    def __init__(self, authority: Authority, *, implicit_tls: bool = False) -> None:
        self.mails: list[EmailMessage] = []
        self.refused: set[str] = set()
        self.ca_file = authority.ca_file
        context = authority.server()
        # aiosmtpd requires a login only if it has seen STARTTLS.
        security: dict[str, Any] = (
            {"ssl_context": context, "auth_require_tls": False}
            if implicit_tls
            else {"tls_context": context, "require_starttls": True, "auth_required": True}
        )
        self._controller = Controller(
            self, HOST, free_port(), authenticator=self._authenticate, ready_timeout=60, **security
        )

    @property
    def port(self) -> int:
        return int(self._controller.port)

    def connection(self, **changes: Any) -> dict[str, Any]:
        """Return the fields of an Airflow connection to this server."""
        extra = {
            "from_email": "agora@example.com",
            "disable_ssl": self._controller.ssl_context is None,
            "disable_tls": self._controller.ssl_context is not None,
            "retry_limit": 0,
        }
        login = {"login": MAIL_LOGIN, "password": MAIL_PASSWORD}
        return {"conn_type": "smtp", "host": HOST, "port": self.port, **login, "extra": extra, **changes}

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @staticmethod
    def _authenticate(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword
    ) -> AuthResult:
        expected = LoginPassword(MAIL_LOGIN.encode(), MAIL_PASSWORD.encode())
        return AuthResult(success=given == expected, handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if not session.authenticated:
            return "530 authentication required"
        received = message_from_bytes(cast("bytes", envelope.content), policy=policy.default)
        assert isinstance(received, EmailMessage)
        self.mails.append(received)
        return "250 OK"


class HookServer(ThreadingHTTPServer):
    """A webhook server that stores the path and body of every POST and responds with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _HookHandler)
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _HookHandler(BaseHTTPRequestHandler):
    server: HookServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        if self.server.status in (302, 307):
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Suppress the request log."""


@contextmanager
def serving(server: HookServer) -> Iterator[HookServer]:
    """Run a webhook server in its own thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
