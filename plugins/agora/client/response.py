"""One HTTP answer of the vendor's, as received."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from agora.client.mask_secrets import without


@dataclass(frozen=True, slots=True)
class Response:
    """What came back for one request.

    Attributes:
        status: HTTP status.
        body: The bytes received, after undoing a content encoding; cut off at the size cap.
        fetched_at: When the answer was complete, with time zone.
        fault: Why the body is not whole or not readable, or an empty string.
        secrets: What is never repeated to people, whatever the vendor says.
        server_date: When the vendor's clock says that it responded (the `Date` header, in UTC), or None.
        failed_tries: How many earlier tries were sent and got no answer or a 5xx; each may have taken effect.
    """

    status: int
    body: bytes = field(repr=False)
    fetched_at: datetime
    fault: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False, compare=False)
    failed_tries: int = 0
    server_date: datetime | None = None

    def message(self) -> str:
        """Return the vendor's own words in at most 200 characters.

        The shapes differ by endpoint and age (`message`, `error_msg`, `error.message`, …), so whatever came
        is shown.
        """
        text = self.body[:2000].decode("utf-8", "replace").strip()
        try:
            content = json.loads(self.body)
            if isinstance(content.get("error"), dict):
                content = content["error"]
            text = str(content.get("message") or content.get("error_msg") or text)
        except (ValueError, AttributeError, RecursionError):
            pass
        text = without(self.secrets, text[:2000])
        printable = "".join(character if character.isprintable() else " " for character in text)
        return " ".join(printable.split())[:200] or "nothing"
