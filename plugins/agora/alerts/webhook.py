"""The webhook: one JSON POST to a secret address."""

from __future__ import annotations

import aiohttp

from agora.alerts.incident import Failure, Message
from agora.errors import AlertNotSent

SECONDS = 10


async def post(url: str, message: Message, failure: Failure, conn_id: str) -> None:
    """Send an alert; `text` is the field that chat services show.

    Args:
        url: The address, a secret: it appears in no message.
        message: What to say.
        failure: Which run it is about.
        conn_id: The connection that holds the address.

    Raises:
        AlertNotSent: It was not accepted within ten seconds. Redirects are not followed.
    """
    body = {
        "text": f"{message.subject}\n\n{message.text}",
        "dag_id": failure.dag_id,
        "run_id": failure.run_id,
        "run_url": failure.url,
        "runbook": failure.entries,
        "since": message.told.since.isoformat(),
    }
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(url, json=body, allow_redirects=False) as answer,
        ):
            said = "" if 200 <= answer.status < 300 else f"HTTP {answer.status}"
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        # Their own words may repeat the address.
        said = type(error).__name__
    if said:
        raise AlertNotSent(f"The webhook of the connection {conn_id} did not take the alert: {said}.")
