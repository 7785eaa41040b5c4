"""Send an alert to a webhook as a JSON POST request."""

from __future__ import annotations

import aiohttp

from agora.alerts.incident import Failure, Message
from agora.client.network_errors import no_response
from agora.client.request import Timeouts
from agora.errors import AlertNotSent
from agora.forward_proxy import Proxy
from agora.text import for_chat

SECONDS = 10
TIMEOUTS = Timeouts(SECONDS, SECONDS, SECONDS)


async def post(url: str, message: Message, failure: Failure, conn_id: str, proxy: Proxy | None) -> None:
    """Send an alert. Chat services show its `text` field.

    Args:
        url: The webhook's URL. It is a secret, so no message contains it.
        message: The alert.
        failure: The failed run.
        conn_id: The connection that stores the URL.
        proxy: Forward proxy for the webhook, if any.

    Raises:
        AlertNotSent: The webhook did not accept the alert within ten seconds. Redirects are not followed.
    """
    body = {
        "text": for_chat(f"{message.subject}\n\n{message.text}"),
        "dag_id": failure.dag_id,
        "run_id": failure.run_id,
        "run_url": failure.url,
        "runbook": failure.entries,
        "since": message.sent.since.isoformat(),
    }
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUTS.for_aiohttp()) as session,
            session.post(
                url, json=body, allow_redirects=False, **(proxy.arguments(url) if proxy else {})
            ) as response,
        ):
            problem = "" if 200 <= response.status < 300 else f"HTTP {response.status}"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # The exception's own text may contain the URL.
        failed = no_response(error, TIMEOUTS, proxy)
        problem = f"{failed}. {failed.advice.format(conn_id=conn_id)}".removesuffix(". ")
    if problem:
        raise AlertNotSent(
            f"The webhook of the connection {conn_id} did not accept the alert: {problem.rstrip('.')}."
        )
