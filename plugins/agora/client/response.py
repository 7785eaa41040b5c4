"""One HTTP response of the vendor, as received."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from agora.client.mask_secrets import mask_secrets


@dataclass(frozen=True, slots=True)
class Response:
    """Response to one request.

    Attributes:
        status: HTTP status.
        body: The received bytes, decompressed and cut off at the size cap.
        fetched_at: Time when the response was complete, with time zone.
        fault: Why the body is incomplete or not readable. Empty if it is sound.
        secrets: Texts that messages must not contain, even if the vendor's message does.
        server_date: The `Date` header in UTC, None without one.
        failed_tries: Number of earlier tries that were sent and got no response or a 5xx. Each may have taken
            effect.
    """

    status: int
    body: bytes = field(repr=False)
    fetched_at: datetime
    fault: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False, compare=False)
    failed_tries: int = 0
    server_date: datetime | None = None

    def message(self) -> str:
        """Return the vendor's message in at most 200 characters.

        Endpoints differ in its place (`message`, `error_msg`, `error.message`, …). Without one, the whole
        body is the message.
        """
        text = self.body[:2000].decode("utf-8", "replace").strip()
        try:
            content = json.loads(self.body)
            if isinstance(content.get("error"), dict):
                content = content["error"]
            text = str(content.get("message") or content.get("error_msg") or text)
        except (ValueError, AttributeError, RecursionError):
            pass
        text = mask_secrets(self.secrets, text[:2000])
        printable = "".join(character if character.isprintable() else " " for character in text)
        return " ".join(printable.split())[:200] or "no message"
