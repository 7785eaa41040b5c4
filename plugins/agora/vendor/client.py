"""What the clients of both APIs share: one call, and the typed error that its status stands for."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from agora.errors import OutcomeUnknown, UnexpectedAnswer, VendorError, VendorUnavailable
from agora.vendor.answer import Answer
from agora.vendor.no_answer import NoAnswer
from agora.vendor.request import Request
from agora.vendor.transport import Transport

Meaning = tuple[type[VendorError], str]
"""A class of error and what to do about it."""

FAILED = 500  # stands for every 5xx, and for no answer at all
NOT_SENT: Meaning = VendorUnavailable, "Nothing was sent: ask again when the host can be reached."
UNDOCUMENTED: Meaning = (
    UnexpectedAnswer,
    "Check host of the connection {conn_id}: redirects are not followed.",
)


class Client:
    """One API of the vendor's under one connection, as an asynchronous context manager.

    Args:
        conn_id: The connection's name, for messages.
        base_url: Where it leads, for messages.
        transport: How it is asked.
    """

    def __init__(self, conn_id: str, base_url: str, transport: Transport) -> None:
        self.transport = transport
        self._conn_id = conn_id
        self._base_url = base_url

    async def __aenter__(self) -> Self:
        await self.transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.transport.__aexit__(kind, error, trace)

    async def ask(
        self,
        request: Request,
        meanings: Mapping[int, Meaning],
        *,
        about: str,
        app_id: str,
        retry: bool = True,
    ) -> Answer:
        """Ask until there is an answer; return one that is a success.

        Args:
            request: What to ask.
            meanings: What each documented status stands for, and FAILED.
            about: What is asked about, for messages.
            app_id: The App ID asked about.
            retry: False asks once only.

        Raises:
            VendorError: Any other answer, or none, as `meanings` says.
        """
        try:
            answer = await self.transport.ask(request, retry=retry)
        except NoAnswer as error:
            kind, advice = meanings[FAILED]
            if kind is OutcomeUnknown and not error.sent:
                kind, advice = NOT_SENT
            raise kind(
                f"no answer from {self._base_url}: {error}",
                about=about,
                app_id=app_id,
                advice=(error.advice or advice).format(conn_id=self._conn_id),
                answer=error.answer,
            ) from None
        if 200 <= answer.status < 300:
            return answer
        raise self.refusal(answer, answer.status, meanings, about=about, app_id=app_id)

    def refusal(
        self, answer: Answer, status: int, meanings: Mapping[int, Meaning], *, about: str, app_id: str
    ) -> VendorError:
        """Return the error that a status stands for, with the vendor's words."""
        kind, advice = meanings.get(min(status, FAILED), UNDOCUMENTED)
        return kind(
            f"HTTP {status}, the vendor says: {answer.said()}",
            about=about,
            app_id=app_id,
            advice=advice.format(conn_id=self._conn_id),
            answer=answer,
        )
