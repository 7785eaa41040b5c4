"""An HTTP response from the vendor, as received."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime

from agora.client.mask_secrets import mask_secrets


@dataclass(frozen=True, slots=True)
class Response:
    """Response to one request.

    Attributes:
        status: HTTP status.
        body: The received bytes, decompressed and truncated at the size limit.
        fetched_at: Time when the response was complete, with time zone.
        fault: Reason why the body is incomplete or unreadable. Empty if there is no fault.
        secrets: Secrets that messages must not contain, even if the vendor's message does.
        server_date: The `Date` header in UTC, or None if there is no valid header.
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
        """Return the vendor's message, truncated to 200 characters.

        The field of the message differs between endpoints (`message`, `error_msg`, `error.message`, …).
        Without such a field, the message is the title of an HTML page, or else the whole body.
        """
        text = self.body[:2000].decode("utf-8", "replace").strip()
        try:
            content = json.loads(self.body)
            if isinstance(content.get("error"), dict):
                content = content["error"]
            text = str(content.get("message") or content.get("error_msg") or text)
        except (ValueError, AttributeError, RecursionError):
            if title := re.search(r"<title>(.+?)</title>", text, re.IGNORECASE | re.DOTALL):
                text = title[1]
        text = mask_secrets(self.secrets, text[:2000])
        printable = "".join(character if character.isprintable() else " " for character in text)
        return " ".join(printable.split())[:200] or "no message"
